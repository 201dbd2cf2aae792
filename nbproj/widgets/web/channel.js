// Questions and answers over whatever carries messages: a widget's comm, or a server.

/**
 * @typedef {object} Carrier
 * @property {(content: object) => void} send
 * @property {(event: string, listen: (content: any, buffers: DataView[]) => void) => void} on
 * @property {(event: string, listen: (content: any, buffers: DataView[]) => void) => void} off
 */

const PATIENCE = 1000; // milliseconds after which a silent kernel is spoken of
const AGAIN = 500; // milliseconds after which a question is sent again, and then each time after twice as long; it is answered once

export class Channel {
  /** @param {Carrier} carrier */
  constructor(carrier) {
    this.carrier = carrier;
    this.view = Math.random().toString(36).slice(2);
    /** @type {Map<number, {done: (answer: any) => void, failed: (error: Error) => void, message: object, asked: number, again: number}>} */
    this.open = new Map();
    this.last = 0;
    /** @type {(content: any) => void} */
    this.pushed = () => {};
    /** @type {(waits: boolean) => void} */
    this.waiting = () => {};
    this.take = this.take.bind(this);
    carrier.on("msg:custom", this.take);
    this.clock = setInterval(() => this.look(), 500);
  }

  /**
   * @param {string} kind
   * @param {object} [content]
   * @returns {Promise<any>}
   */
  ask(kind, content = {}) {
    this.last += 1;
    const ask = this.last;
    return new Promise((done, failed) => {
      const message = { ...content, kind, ask, view: this.view };
      this.open.set(ask, { done, failed, message, asked: Date.now(), again: AGAIN });
      this.carrier.send(message);
    });
  }

  /**
   * Say what needs no answer.
   * @param {string} kind
   * @param {object} [content]
   */
  tell(kind, content = {}) {
    this.carrier.send({ ...content, kind, ask: 0, view: this.view });
  }

  /**
   * @param {any} content
   * @param {DataView[]} buffers
   */
  take(content, buffers) {
    if (!content || (content.view !== undefined && content.view !== this.view)) return;
    const asked = this.open.get(content.ask);
    if (asked) {
      this.open.delete(content.ask);
      this.look();
      if (content.error !== undefined) asked.failed(new Error(content.error));
      else asked.done(buffers && buffers.length ? { ...content, buffers } : content);
    } else if (content.push) {
      this.pushed(content);
    }
  }

  look() {
    const now = Date.now();
    this.waiting([...this.open.values()].some((one) => now - one.asked > PATIENCE));
    // What is asked before JupyterLab has its subshell waits for the cell that runs; the same question finds its way once it is there.
    for (const one of this.open.values()) {
      if (now - one.asked < one.again) continue;
      one.again *= 2;
      try {
        this.carrier.send(one.message);
      } catch {
        // The kernel is gone; the panel says that it waits.
      }
    }
  }

  end() {
    clearInterval(this.clock);
    this.carrier.off("msg:custom", this.take);
    try {
      this.tell("close");
    } catch {
      // The kernel is gone, and with it whoever would want to know.
    }
  }
}
