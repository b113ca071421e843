import { type Locator, type Page } from "@playwright/test";
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

/** Makes an account by the form of administrators. */
async function makeUser(page: Page, name: string): Promise<ReturnType<typeof someone>> {
  const person = someone(name);
  await page.goto("/users/new");
  await page.getByLabel("Username").fill(person.username);
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Create user" }).click();
  await expect(page.getByRole("heading", { name: person.username })).toBeVisible();
  return person;
}

/** The list with just those whose names begin alike, and nothing ticked. */
async function listOf(page: Page, name: string, status = ""): Promise<void> {
  await page.goto(`/users?search=${name}&status=${status}&sort=username`, { waitUntil: "networkidle" });
}

async function choose(page: Page, action: string): Promise<void> {
  await page.getByLabel("With those chosen").selectOption(action);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** What the tests of both kinds of browser do with many people; `look` is called on each page on the way. */
export async function changesManyUsers(page: Page, look: (page: Page, what: string) => Promise<void>): Promise<void> {
  await logIn(page, administrator);
  const name = `many-${process.pid}-${Date.now()}`;
  const people = [];
  for (const one of ["a", "b", "c"]) people.push(await makeUser(page, `${name}-${one}`));
  const [ada, bob, carol] = people.map((person) => person.username);

  await listOf(page, name);
  await look(page, "list");
  await choose(page, "Disable");
  await expect(page.getByText("Nobody was chosen.")).toBeVisible();
  await look(page, "nobody");

  await listOf(page, name);
  await page.getByLabel(`Choose ${ada}`).check();
  await page.getByLabel(`Choose ${bob}`).check();
  await choose(page, "Disable");
  await expect(page.getByRole("heading", { name: "Disable accounts" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Will be changed (2)" })).toBeVisible();
  await page.getByLabel("Reason").fill("end of the course");
  await page.getByRole("button", { name: "Do it for 2 people" }).click();
  await expect(page.getByText("2 changed, 0 refused.")).toBeVisible();
  await look(page, "changed");
  await page.getByRole("link", { name: ada }).click();
  await expect(page.locator("[data-user-status]")).toHaveText("inactive");

  // One of them is deleted, so that there is somebody to refuse.
  await listOf(page, name);
  await page.getByLabel(`Choose ${carol}`).check();
  await choose(page, "Delete");
  await page.getByRole("button", { name: "Do it for 1 person" }).click();
  await expect(page.getByText("1 changed, 0 refused.")).toBeVisible();
  const ids = await idsOf(page, name);
  await page.goto(`/users/bulk?do=set_role.moderator&${ids}`);
  await expect(page.getByRole("heading", { name: "Make moderators" })).toBeVisible();
  await page.goto(`/users/bulk?do=require_password_change&${ids}`);
  await expect(page.getByRole("heading", { name: "Will stay as they are (1)" })).toBeVisible();
  await expect(page.locator("[data-people=refused]")).toContainText(`${carol}: The account is deleted`);
  await look(page, "refused");
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Users" })).toBeVisible();

  await page.goto(`/admin/audit-log?subject=${ada}`);
  await expect(page.getByText("end of the course")).toBeVisible();
}

/** The ids of all whose names begin alike, deleted or not, as the page of confirmation reads them. */
async function idsOf(page: Page, name: string): Promise<string> {
  const ids: string[] = [];
  for (const status of ["", "deleted"]) {
    await listOf(page, name, status);
    ids.push(...(await page.locator("input[name=id]").evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value))));
  }
  return ids.map((id) => `id=${id}`).join("&");
}
