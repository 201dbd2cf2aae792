/** A run that is watched: told whenever something happens in it, until it has ended; silent while nobody looks. */
import { IRun, IRunEvent } from './model';
import { NbprojError } from './refusal';
import { Client } from './request';

/** Between two looks at a run in which much happens, in milliseconds. */
const REST = 700;
/** Between two looks at a run of which nothing is told any more though it goes on: its end was not read, or it is not told of. */
const SLOW = 5000;

/** Tells of a run. */
export class Watch {
  constructor(
    private readonly client: Client,
    private readonly id: string,
    private readonly path: string,
    private readonly told: (run: IRun) => void,
    private readonly failed: (error: unknown) => void,
    private readonly heard: (event: IRunEvent) => void = () => undefined
  ) {
    document.addEventListener('visibilitychange', this.turned);
    void this.look().then(() => this.follow());
  }

  /** Look at once. */
  async look(): Promise<void> {
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    let refused = false;
    try {
      do {
        this.again = false;
        const run = await this.client.run(this.id, this.path);
        if (this.gone) {
          return;
        }
        this.ended = run.settled;
        this.told(run);
      } while (this.again);
    } catch (error) {
      refused = error instanceof NbprojError && error.status < 500;
      if (!this.gone) {
        this.failed(error);
      }
    } finally {
      this.looking = false;
      if (this.untold && !refused && !this.ended) {
        this.soon(SLOW);
      }
    }
  }

  dispose(): void {
    this.gone = true;
    document.removeEventListener('visibilitychange', this.turned);
    window.clearTimeout(this.timer);
    this.stream?.abort();
  }

  private async follow(): Promise<void> {
    if (this.gone || this.ended || document.hidden || this.stream) {
      return;
    }
    const stream = new AbortController();
    this.stream = stream;
    this.untold = false;
    try {
      for await (const event of this.client.events(this.id, this.path, stream.signal)) {
        this.heard(event);
        if (event.step !== 'output') {
          this.soon();
        }
      }
    } catch (error) {
      if (!stream.signal.aborted) {
        this.failed(error);
      }
    }
    if (this.stream === stream && !stream.signal.aborted) {
      this.stream = null;
      this.untold = true;
      await this.look();
    }
  }

  private soon(pause = REST): void {
    if (!this.timer && !this.gone && !document.hidden) {
      this.timer = window.setTimeout(() => {
        this.timer = 0;
        void this.look();
      }, pause);
    }
  }

  private readonly turned = (): void => {
    if (document.hidden) {
      window.clearTimeout(this.timer);
      this.timer = 0;
      this.stream?.abort();
      this.stream = null;
    } else if (!this.ended) {
      void this.look().then(() => this.follow());
    }
  };

  private stream: AbortController | null = null;
  private timer = 0;
  private looking = false;
  private again = false;
  private ended = false;
  private untold = false;
  private gone = false;
}
