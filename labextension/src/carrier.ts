/** Carries what the table of runs asks to the server, and its answers back: the table is the one that notebooks show, where a kernel answers. */
import { IQuestion, IView, IWindow, Json } from './model';
import { Client } from './request';

type Listener = (content: Message, buffers: DataView[]) => void;
type Message = Record<string, unknown>;

interface IAsk {
  kind: string;
  ask: number;
  view: string;
  [key: string]: unknown;
}

const START: IView = { filter: '', text: '', sort: 'start_time', descending: true, grouped: false, opened: [] };
const COUNT = 60;

/** What `runs.js` calls a carrier. */
export class ServerCarrier {
  constructor(
    private readonly client: Client,
    private path: string
  ) {}

  /** Told of the ids that are selected. */
  selected: (ids: string[]) => void = () => undefined;

  /** Told of each window that has come, and whether nothing was looked for in particular. */
  arrived: (shown: IWindow, whole: boolean) => void = () => undefined;

  /** Told when the lines have other columns now, which the table has to ask for. */
  outdated: () => void = () => undefined;

  /** Ask for another folder from now on; its store must be the same. */
  move(path: string): void {
    this.path = path;
  }

  on(_event: string, listen: Listener): void {
    this.listeners.add(listen);
  }

  off(_event: string, listen: Listener): void {
    this.listeners.delete(listen);
  }

  send(content: object): void {
    const asked = content as IAsk;
    if (asked.kind === 'select') {
      this.selected(texts(asked['ids']) ?? []);
    } else if (asked.kind !== 'close') {
      void this.answer(asked);
    }
  }

  /** Read the lines in sight again and tell the table what is new; says whether anything is. */
  async renew(): Promise<boolean> {
    const before = this.shown;
    if (!before || this.busy) {
      return false;
    }
    const version = this.version;
    const now = await this.window(this.view, this.columns, this.start, this.count);
    if (version !== this.version || now === before) {
      return false;
    }
    this.shown = now;
    this.arrived(now, isWhole(this.view));
    if (now.columns.join('\n') !== before.columns.join('\n')) {
      this.outdated(); // nobody has chosen them, and the first run has come
      return true;
    }
    const rows = now.rows.map((line, index): [number, IWindow['rows'][number]] => [now.start + index, line]);
    const moved = now.start !== before.start || now.total !== before.total || now.rows.some((line, index) => line.id !== before.rows[index]?.id);
    this.tell({ push: 'changes', moved, total: now.total, runs: now.runs, rows });
    return true;
  }

  private async answer(asked: IAsk): Promise<void> {
    const { ask, view } = asked;
    try {
      const { buffers, ...content } = asked.kind === 'open' || asked.kind === 'look' ? await this.look(asked) : await this.question(asked);
      this.tell({ ...content, ask, view }, buffers);
    } catch (error) {
      this.tell({ ask, view, error: error instanceof Error ? error.message : String(error) });
    }
  }

  private async look(asked: IAsk): Promise<Message & { buffers: DataView[] }> {
    const wanted: IView = { ...this.view, ...(asked['asked'] as IView | null | undefined) };
    const columns = texts(asked['columns']) ?? this.columns;
    const start = typeof asked['start'] === 'number' ? asked['start'] : 0;
    const count = typeof asked['count'] === 'number' ? asked['count'] : COUNT;
    this.busy += 1;
    this.version += 1;
    const version = this.version;
    try {
      const shown = await this.window(wanted, columns, start, count);
      if (version === this.version) {
        // What the server refuses does not become the view.
        Object.assign(this, { view: wanted, columns, start, count, shown });
        this.arrived(shown, isWhole(wanted));
      }
      // The store stands above the table already, and why it is that one.
      return { ...shown, store: '', asked: wanted, selected: [], now: Date.now(), buffers: [] };
    } finally {
      this.busy -= 1;
    }
  }

  private async question(asked: IAsk): Promise<Message & { buffers: DataView[] }> {
    const question: IQuestion = { kind: asked.kind, asked: this.view };
    for (const key of ['key', 'path', 'batch'] as const) {
      const value = asked[key];
      if (typeof value === 'string') {
        question[key] = value;
      }
    }
    const ids = texts(asked['ids']);
    const columns = texts(asked['columns']) ?? this.shown?.columns;
    Object.assign(question, ids ? { ids } : {}, columns ? { columns } : {});
    const { buffers, ...content } = await this.client.answer(question, this.path);
    return { ...content, buffers: (texts(buffers) ?? []).map(binary) };
  }

  private window(view: IView, columns: string[], start: number, count: number): Promise<IWindow> {
    return this.client.runs({ ...view, path: this.path, columns, start, count });
  }

  private tell(content: Message, buffers: DataView[] = []): void {
    for (const listen of [...this.listeners]) {
      listen(content, buffers);
    }
  }

  private readonly listeners = new Set<Listener>();
  private view: IView = START;
  private columns: string[] = [];
  private start = 0;
  private count = COUNT;
  private shown: IWindow | null = null;
  private version = 0;
  private busy = 0;
}

function isWhole(view: IView): boolean {
  return !view.filter && !view.text;
}

function texts(value: unknown): string[] | null {
  return Array.isArray(value) ? (value as Json[]).map(String) : null;
}

/** The bytes that base64 stands for. */
function binary(text: string): DataView {
  const bytes = Uint8Array.from(atob(text), one => one.charCodeAt(0));
  return new DataView(bytes.buffer);
}
