/** The table of runs with what compares them: the module that notebooks show, asked of the server. */
import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { Panel } from '../../nbproj/widgets/runs.js';
import { ServerCarrier } from './carrier';
import { element, set } from './dom';
import { IView, Live } from './live';
import { Client } from './request';

/** The runs of the store of a folder, as a widget. */
export class RunsTable extends Widget implements IView {
  constructor(
    private readonly client: Client,
    private readonly live: Live,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('nbproj-Runs');
    this.where = element('p', { class: 'nbproj-store' });
    this.room = element('div');
    this.none = element('p', { class: 'nbproj-help', hidden: true }, trans.__('No runs yet.'));
    this.node.append(this.where, this.none, this.room);
    live.told.connect(this.tell, this);
    this.tell();
  }

  /** Told which runs are selected. */
  selected: (ids: string[]) => void = () => undefined;

  get seen(): boolean {
    return this.isVisible && !document.hidden;
  }

  /** The folder whose store is shown. */
  get folder(): string {
    return this.path;
  }

  /** Show the runs of another folder; the table stays when they are in the same store. */
  showFolder(path: string): void {
    this.path = path;
    this.carrier?.move(path);
    if (this.isVisible) {
      void this.renew();
    }
  }

  /** Begin anew: another store may be shown. */
  reset(): void {
    this.end();
    if (this.isVisible) {
      this.begin();
    }
  }

  async renew(): Promise<boolean> {
    const store = this.store;
    const changed = await (this.carrier?.renew() ?? Promise.resolve(false));
    if (store && this.store !== store) {
      this.reset();
    }
    return changed;
  }

  override dispose(): void {
    this.end();
    this.live.told.disconnect(this.tell, this);
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.begin();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.begin();
    }
  }

  private begin(): void {
    if (this.panel) {
      this.live.soon();
      return;
    }
    this.store = '';
    this.carrier = new ServerCarrier(this.client, this.path);
    this.carrier.selected = ids => this.selected(ids);
    this.carrier.arrived = (shown, whole) => {
      const none = whole && !shown.runs;
      set(this.none, { hidden: !none });
      set(this.room, { hidden: none });
      this.store = `${shown.store} ${shown.why}`;
      this.name(shown);
    };
    const panel = new Panel(this.carrier, this.room);
    this.carrier.outdated = () => void panel.rows.look(null, null, panel.table.window.first);
    this.panel = panel;
    this.live.add(this);
  }

  /** Say which store this is before its runs have come. */
  private tell(): void {
    const status = this.live.of(this.path);
    if (status) {
      this.name(status);
    }
  }

  private name({ store, why }: { store: string; why: string }): void {
    this.where.textContent = this.trans.__('Tracking store: %1 (%2)', store, why);
  }

  private end(): void {
    this.live.remove(this);
    this.panel?.end();
    this.panel = null;
    this.carrier = null;
  }

  private readonly where: HTMLParagraphElement;
  private readonly none: HTMLParagraphElement;
  private readonly room: HTMLDivElement;
  private panel: Panel | null = null;
  private carrier: ServerCarrier | null = null;
  private path = '';
  private store = '';
}
