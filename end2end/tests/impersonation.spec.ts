import { actsAsSomebody } from "../support/accounts";
import { looks, screens, test } from "../support/people";

for (const { name, use } of screens) {
  test.describe(`on a ${name} screen`, () => {
    test.use(use);

    test("an administrator acts as somebody under a banner, and the audit log names both", async ({ page }, info) => {
      test.setTimeout(240_000);
      await actsAsSomebody(page, looks(info));
    });
  });
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("an administrator acts as somebody under a banner, and the audit log names both", async ({ page }) => {
    await actsAsSomebody(page, async () => undefined);
  });
});
