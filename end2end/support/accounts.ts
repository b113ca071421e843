import { type Locator, type Page } from "@playwright/test";
import { forgetConfirmation } from "./database";
import { expect, logIn, logOut, signUp, someone } from "./people";
import { administrator } from "./server";

/** The panel of the page with this heading. */
function panel(page: Page, heading: string): Locator {
  return page.locator("form.panel", { has: page.getByRole("heading", { name: heading }) });
}

/** What the tests of both kinds of browser do with the own account. */
export async function changesOwnAccount(page: Page): Promise<void> {
  const person = await signUp(page, "ada");
  await page.goto("/account");
  await page.getByLabel("Username").fill("x");
  await page.getByRole("button", { name: "Save profile" }).click();
  await expect(page.locator("#username-error")).toHaveText("must have 3 to 50 characters");
  await expect(page.getByLabel("Username")).toHaveValue("x");
  const renamed = { ...person, username: `${person.username}-2`, password: "another long passphrase" };
  await page.getByLabel("Username").fill(renamed.username);
  await page.getByRole("button", { name: "Save profile" }).click();
  await expect(page.getByText("The profile was changed.")).toBeVisible();
  await expect(page.getByLabel("Username")).toHaveValue(renamed.username);

  const password = panel(page, "Password");
  await password.getByLabel("Current password").fill("not this one");
  await password.getByLabel("New password").fill(renamed.password);
  await password.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Wrong username, email or password")).toBeVisible();
  await password.getByLabel("Current password").fill(person.password);
  await password.getByLabel("New password").fill(renamed.password);
  await password.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("The password was changed.")).toBeVisible();
  await logOut(page);
  await logIn(page, renamed);

  await page.goto("/account");
  const deletion = panel(page, "Delete the account");
  await deletion.getByLabel("Your password").fill(renamed.password);
  await deletion.getByLabel("Confirmation").fill("delete");
  await deletion.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByText("must be DELETE")).toBeVisible();
  await deletion.getByLabel("Your password").fill(renamed.password);
  await deletion.getByLabel("Confirmation").fill("DELETE");
  await deletion.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByRole("link", { name: "Log in" }).first()).toBeVisible();
}

/** What the tests of both kinds of browser do as an administrator. */
export async function administersUsers(page: Page): Promise<void> {
  await logIn(page, administrator);
  await page.goto("/users/new");
  const grace = someone("grace");
  await page.getByLabel("Username").fill(grace.username);
  await page.getByLabel("Email").fill(grace.email);
  await page.getByLabel("Password").fill(grace.password);
  await page.getByLabel("Role").selectOption("moderator");
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(page.getByRole("heading", { name: grace.username })).toBeVisible();
  await expect(page.getByText("The account was created.")).toBeVisible();

  await page.goto("/users");
  await page.getByLabel("Name or email").fill(grace.email);
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("1 user")).toBeVisible();
  await page.getByRole("link", { name: grace.username }).click();

  const state = page.locator("[data-user-status]");
  await expect(state).toHaveText("active");
  await panel(page, "State").getByLabel("Reason").fill("on leave");
  await page.getByRole("button", { name: "Deactivate" }).click();
  await expect(page.getByText("The status was changed.")).toBeVisible();
  await expect(state).toHaveText("inactive");
  // The reason for one change is none for the next.
  await expect(panel(page, "State").getByLabel("Reason")).toHaveValue("");
  await page.getByRole("button", { name: "Activate", exact: true }).click();
  await expect(state).toHaveText("active");
  await panel(page, "Role").getByLabel("Role").selectOption("user");
  await page.getByRole("button", { name: "Change role" }).click();
  await expect(page.getByText("The role was changed.")).toBeVisible();
  await page.getByRole("button", { name: "Delete account" }).click();
  await expect(state).toHaveText("deleted");
  await page.getByRole("button", { name: "Restore account" }).click();
  await expect(state).toHaveText("inactive");

  const id = new URL(page.url()).pathname.split("/").pop();
  await page.goto(`/admin/audit-log?subject=${id}`);
  for (const action of ["user.restore", "user.delete", "user.set_role", "user.create"]) {
    await expect(page.getByRole("cell", { name: action, exact: true })).toBeVisible();
  }
  await expect(page.getByText("on leave")).toBeVisible();
}

/** Makes an account as the administrator who is signed in; quicker than by the form, which `administersUsers` tries. */
export async function makeUser(page: Page, name: string, role = "user"): Promise<ReturnType<typeof someone> & { id: string }> {
  const person = someone(name);
  const made = await page.request.post("/api/v1/users", { data: { ...person, role } });
  expect(made.status()).toBe(200);
  return { ...person, id: (await made.json()).data.id };
}

/** Gives the password that a refusal asks for, by its link, and comes back to the page that it was on. */
async function confirmsPassword(page: Page, password: string, path: string): Promise<void> {
  await page.getByRole("link", { name: "Confirm your password" }).click();
  await expect(page.getByRole("heading", { name: "Confirm your password" })).toBeVisible();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.waitForURL((url) => url.pathname + url.search === path);
}

/** What the tests of both kinds of browser do when the password was given too long ago. */
export async function confirmsBeforePower(page: Page): Promise<void> {
  await logIn(page, administrator);
  const [alma, ada, bob] = [await makeUser(page, "alma", "admin"), await makeUser(page, "ada"), await makeUser(page, "bob")];
  await logOut(page);
  await logIn(page, alma);
  const another = async (): Promise<void> => {
    await panel(page, "Password").getByLabel("New password").fill("another long passphrase");
    await panel(page, "Password").getByRole("button", { name: "Set password" }).click();
  };
  const [one, many] = [`/users/${ada.id}`, `/users/bulk?do=delete&id=${bob.id}`];
  await forgetConfirmation(alma.username);
  await page.goto(one);
  await another();
  await expect(panel(page, "Password").getByText("Please confirm your password first")).toBeVisible();
  await page.goto(one);
  await panel(page, "Deletion").getByLabel("Reason").fill("left the company");
  await page.getByRole("button", { name: "Delete account" }).click();
  await expect(panel(page, "Deletion").getByText("Please confirm your password first")).toBeVisible();
  await expect(panel(page, "Deletion").getByLabel("Reason")).toHaveValue("left the company");
  await expect(page.locator("[data-user-status]")).toHaveText("active");
  await confirmsPassword(page, alma.password, one);
  await another();
  await expect(page.getByText("The password was set, and the sessions have ended.")).toBeVisible();
  await page.getByRole("button", { name: "Delete account" }).click();
  await expect(page.locator("[data-user-status]")).toHaveText("deleted");

  await forgetConfirmation(alma.username);
  await page.goto(many);
  await expect(page.getByRole("heading", { name: "Delete accounts" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Do it for 1 person" })).toHaveCount(0);
  await confirmsPassword(page, alma.password, many);
  await page.getByRole("button", { name: "Do it for 1 person" }).click();
  await expect(page.getByText("1 changed, 0 refused.")).toBeVisible();
}

async function choose(page: Page, action: string): Promise<void> {
  await page.getByLabel("With those chosen").selectOption(action);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** What the tests of both kinds of browser do with many people; `look` is called on each page on the way. */
export async function changesManyUsers(page: Page, look: (page: Page, what: string) => Promise<void>): Promise<void> {
  await logIn(page, administrator);
  const name = `many-${process.pid}-${Date.now()}`;
  const [ada, bob, carol] = [await makeUser(page, `${name}-a`), await makeUser(page, `${name}-b`), await makeUser(page, `${name}-c`)];
  expect((await page.request.delete(`/api/v1/users/${carol.id}`, { data: {} })).status()).toBe(200);

  await page.goto(`/users?search=${name}`);
  await look(page, "list");
  await choose(page, "Disable");
  await expect(page.getByText("Nobody was chosen.")).toBeVisible();

  await page.goto(`/users?search=${name}`);
  await page.getByLabel(`Choose ${ada.username}`).check();
  await page.getByLabel(`Choose ${bob.username}`).check();
  await choose(page, "Disable");
  await expect(page.getByRole("heading", { name: "Disable accounts" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Will be changed (2)" })).toBeVisible();
  await page.getByLabel("Reason").fill("end of the course");
  await page.getByRole("button", { name: "Do it for 2 people" }).click();
  await expect(page.getByText("2 changed, 0 refused.")).toBeVisible();
  await look(page, "changed");
  await page.getByRole("link", { name: ada.username }).click();
  await expect(page.locator("[data-user-status]")).toHaveText("inactive");

  // Carol's account is deleted, so there is somebody to refuse.
  await page.goto(`/users/bulk?do=enable&id=${ada.id}&id=${carol.id}`);
  await expect(page.getByRole("heading", { name: "Will be changed (1)" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Will stay as they are (1)" })).toBeVisible();
  await expect(page.locator("[data-people=refused]")).toContainText(`${carol.username}: The account is deleted`);
  await look(page, "refused");
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Users" })).toBeVisible();

  await page.goto(`/admin/audit-log?subject=${ada.username}`);
  await expect(page.getByText("end of the course")).toBeVisible();
}

/** What the tests of both kinds of browser do as somebody else; `look` is called on each page on the way. */
export async function actsAsSomebody(page: Page, look: (page: Page, what: string) => Promise<void>): Promise<void> {
  await logIn(page, administrator);
  const [ada, bob] = [await makeUser(page, "ada", "moderator"), await makeUser(page, "bob")];
  await page.goto(`/users/${ada.id}`);
  await panel(page, "Impersonation").getByLabel("Reason").fill("looks at a fault");
  await page.getByRole("button", { name: "Act as this person" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${ada.username}` })).toBeVisible();

  const banner = page.getByRole("complementary", { name: "Impersonation" });
  const words = `${administrator.username}, you act as ${ada.username}.`;
  await expect(banner).toContainText(words);
  await look(page, "dashboard");
  for (const path of ["/tasks/new", "/account/sessions"]) {
    await page.goto(path);
    await expect(banner).toContainText(words);
  }
  // What only the person may do, and what only the administrator may.
  await page.goto("/account");
  await panel(page, "Password").getByLabel("Current password").fill(ada.password);
  await panel(page, "Password").getByLabel("New password").fill("another long passphrase");
  await panel(page, "Password").getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Nobody may do this as somebody else")).toBeVisible();
  await expect(banner).toContainText(words);
  await look(page, "refused");
  await page.goto("/account/api-keys");
  await expect(page.getByText("Nobody may do this as somebody else").first()).toBeVisible();
  await page.goto("/admin/permissions");
  await expect(page.getByText("You are not allowed to do this")).toBeVisible();

  await page.goto(`/users/${bob.id}`);
  await page.getByRole("button", { name: "Deactivate" }).click();
  await expect(page.locator("[data-user-status]")).toHaveText("inactive");
  await expect(banner).toContainText(words);

  await banner.getByRole("button", { name: "End" }).click();
  await expect(page.getByText("You are yourself again.")).toBeVisible();
  await expect(page.getByRole("heading", { name: ada.username })).toBeVisible();
  await expect(banner).toHaveCount(0);

  await page.goto(`/admin/audit-log?subject=${ada.username}`);
  // Not by role: on a narrow screen rows are cards.
  for (const action of ["user.impersonate", "user.end_impersonation"]) {
    await expect(page.getByText(action, { exact: true })).toBeVisible();
  }
  await expect(page.getByText("looks at a fault")).toBeVisible();
  await page.goto(`/admin/audit-log?actor=${ada.username}`);
  const row = page.locator("tr").filter({ has: page.getByText("user.set_status", { exact: true }) });
  await expect(row).toContainText(`${ada.username}, in truth ${administrator.username}`);
}
