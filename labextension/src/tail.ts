/** The last lines that a program has printed, as a terminal would show them. */

const LINES = 12;
/** Of a program that ends no line, this much is kept. */
const MOST = 4000;
/** Colours, titles, movements: what is meant for a terminal. */
const ORDERS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Takes what is printed, piece by piece. */
export class Tail {
  /** The lines that are shown. */
  get text(): string {
    const lines = this.held.replace(ORDERS, '').split('\n').map(overwritten);
    if (lines[lines.length - 1] === '') {
      lines.pop();
    }
    return lines.slice(-LINES).join('\n');
  }

  add(piece: string): void {
    this.held = (this.held + piece).split('\n').slice(-LINES - 1).join('\n').slice(-MOST);
  }

  clear(): void {
    this.held = '';
  }

  private held = '';
}

/** A progress bar is printed over itself: its last state is what stands there. */
function overwritten(line: string): string {
  return line.replace(/\r+$/, '').split('\r').pop() ?? '';
}
