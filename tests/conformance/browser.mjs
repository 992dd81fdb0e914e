// A real browser without a library: Chromium's own protocol over a pipe.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const available = fs.existsSync(executable);

export class Browser {
  #process;
  #profile;
  #next = 0;
  #answers = new Map();
  #session;

  async start() {
    this.#profile = fs.mkdtempSync(path.join(os.tmpdir(), "roost-browser-"));
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${this.#profile}`, "about:blank"];
    this.#process = spawn(executable, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true });
    let buffer = "";
    this.#process.stdio[4].on("data", (chunk) => {
      buffer += chunk;
      const messages = buffer.split("\0");
      buffer = messages.pop();
      for (const message of messages.map((text) => JSON.parse(text))) {
        const waiting = this.#answers.get(message.id);
        this.#answers.delete(message.id);
        if (message.error) waiting?.reject(new Error(message.error.message));
        else waiting?.resolve(message.result);
      }
    });
    const { targetId } = await this.#say("Target.createTarget", { url: "about:blank" });
    this.#session = (await this.#say("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    return this;
  }

  async stop() {
    const gone = new Promise((resolve) => this.#process.on("exit", resolve));
    // The whole group: what the browser started writes into its profile, too.
    process.kill(-this.#process.pid, "SIGKILL");
    await gone;
    await fs.promises.rm(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  /** Opens an address as if in a new window. */
  async open(url) {
    await this.#say("Page.navigate", { url: "about:blank" });
    await this.#say("Page.navigate", { url });
    await this.until("document.readyState === 'complete'");
  }

  /** What an expression comes to in the page. A click in it may open windows, as a person's does. */
  async ask(expression) {
    const options = { awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await this.#say("Runtime.evaluate", { expression, ...options });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression holds in the page. */
  async until(expression) {
    const end = Date.now() + 10_000;
    while (!(await this.ask(expression).catch(() => false))) {
      if (Date.now() > end) throw new Error(`never came: ${expression}; ${await this.ask("document.body.innerText")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How many windows there are. */
  async windows() {
    const { targetInfos } = await this.#say("Target.getTargets");
    return targetInfos.filter(({ type, url }) => type === "page" && url !== "about:blank").length;
  }

  /** Types into the field with that label. */
  async type(label, text) {
    const field = `[...document.querySelectorAll("label")].find((label) => label.textContent === ${JSON.stringify(label)}).control`;
    await this.ask(`${field}.select()`);
    await this.#say("Input.insertText", { text });
  }

  /** Presses the button with that name. */
  press(name) {
    return this.ask(`[...document.querySelectorAll("button")].find((button) => button.textContent === ${JSON.stringify(name)}).click()`);
  }

  #say(method, params = {}) {
    const id = (this.#next += 1);
    const answered = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, ...(this.#session && { sessionId: this.#session }) })}\0`);
    return answered;
  }
}
