// The mails a platform under development sent, in the place of a mail server of one's own.
import { server, until } from "./support.mjs";

export class Outbox {
  /** A project here has no server, so the platform's is used. */
  settings() {
    return { enabled: false };
  }

  async start() {}

  async stop() {}

  /** Mails to an address, oldest first. */
  async to(address) {
    const { items } = await (await fetch(server.outbox)).json();
    return items.filter((mail) => mail.to === address).reverse();
  }

  /** The mail to an address that comes after so many others to it. */
  async next(address, after = 0) {
    let mails;
    await until(async () => (mails = await this.to(address)).length > after, `a mail to ${address}`);
    return mails[after];
  }
}
