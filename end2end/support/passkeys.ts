import type { CDPSession, Page } from "@playwright/test";

/** Passkeys are bound to a name, so their pages are opened by another address than the others. */
export function passkeyAddress(): string | undefined {
  return process.env.STARTER_URL?.replace("127.0.0.1", "localhost");
}

/** A phone with a fingerprint sensor, as Chromium plays one. */
export async function device(page: Page, isUserVerified = true): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified } as const;
  await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return session;
}

export async function addPasskey(page: Page, name: string): Promise<void> {
  // Asking the device needs the client, so its start is waited for.
  await page.goto("/account/passkeys", { waitUntil: "networkidle" });
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
}
