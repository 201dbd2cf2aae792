/** What is going on in the tracking store, asked again and again: often while something runs, rarely while nothing does, never while nobody looks. */
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import { IStatus } from './model';
import { Client } from './request';

/** Something that shows runs, and reads them again when it is asked to. */
export interface IView {
  /** Whether anybody can see it. */
  readonly seen: boolean;
  /** Read again; says whether anything has changed. */
  renew(): Promise<boolean>;
}

/** The longest pause, as a multiple of the shortest. */
const SLOWEST = 5;
const GROWTH = 1.5;
const MOST = 60_000;

/** Keeps views and the count of running runs up to date. */
export class Live {
  constructor(private readonly client: Client) {
    this.poll = new Poll({
      auto: false,
      name: 'nbproj',
      factory: () => this.look(),
      frequency: { interval: this.interval, backoff: true, max: MOST },
      standby: () => document.hidden || !this.needed
    });
    document.addEventListener('visibilitychange', this.turned);
  }

  /** The folder whose store is asked. */
  get path(): string {
    return this.folder;
  }

  set path(path: string) {
    if (path !== this.folder) {
      this.folder = path;
      this.soon();
    }
  }

  /** Whether the count is shown somewhere even while no view is. */
  counts = false;

  get told(): ISignal<this, IStatus | null> {
    return this.changed;
  }

  get status(): IStatus | null {
    return this.known;
  }

  /** What is known of the store of a folder; null when another one was asked for. */
  of(path: string): IStatus | null {
    return path === this.asked ? this.known : null;
  }

  /** The shortest pause between two questions, in milliseconds. */
  set pace(milliseconds: number) {
    this.interval = milliseconds;
    this.quiet = 0;
    this.pause();
  }

  begin(): void {
    void this.poll.start();
  }

  add(view: IView): void {
    this.views.add(view);
    this.soon();
  }

  remove(view: IView): void {
    this.views.delete(view);
  }

  /** Look now: something has happened here. */
  soon(): void {
    this.quiet = 0;
    if (!document.hidden) {
      this.pause();
      void this.poll.refresh();
    }
  }

  dispose(): void {
    document.removeEventListener('visibilitychange', this.turned);
    this.poll.dispose();
    Signal.clearData(this);
  }

  private get needed(): boolean {
    return this.counts || [...this.views].some(view => view.seen);
  }

  private async look(): Promise<void> {
    let changed = false;
    const { folder } = this;
    try {
      const status = await this.client.status(folder);
      this.asked = folder;
      changed = status !== this.known;
      this.known = status;
    } catch (error) {
      changed = this.known !== null;
      this.known = null;
      throw error;
    } finally {
      if (changed) {
        this.changed.emit(this.known);
      }
    }
    for (const view of this.views) {
      if (view.seen) {
        changed = (await view.renew()) || changed;
      }
    }
    this.quiet = changed || this.known.running ? 0 : this.quiet + 1;
    this.pause();
  }

  private pause(): void {
    const interval = Math.round(Math.min(this.interval * GROWTH ** this.quiet, this.interval * SLOWEST));
    if (!this.poll.isDisposed && interval !== this.poll.frequency.interval) {
      this.poll.frequency = { interval, backoff: true, max: Math.max(MOST, interval) };
    }
  }

  private readonly turned = (): void => {
    if (!document.hidden && this.needed) {
      this.soon();
    }
  };

  private readonly changed = new Signal<this, IStatus | null>(this);
  private readonly poll: Poll;
  private readonly views = new Set<IView>();
  private known: IStatus | null = null;
  private folder = '';
  private asked = '';
  private interval = 2000;
  private quiet = 0;
}
