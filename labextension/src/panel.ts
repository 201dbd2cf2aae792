/** The side panel: what the current folder or the open notebook offers to run, the form for it, the run, and the runs that there are. */
import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import { Completer } from './controls';
import { element, fill, set, setting } from './dom';
import { Form } from './form';
import { Live } from './live';
import { IEntryPoint, IOrder, IProject } from './model';
import { told } from './refusal';
import { Client } from './request';
import { RunCard } from './runcard';
import { RunsTable } from './table';

/** What is looked at: a folder, or a notebook. */
export interface ITarget {
  path: string;
  /** Named by its path where it is not declared: a script. */
  entry?: string;
  label: string;
}

/** What the panel needs of the front end. */
export interface IFrontEnd {
  openNotebook(path: string): Promise<void>;
  /** Save what is open and unsaved of a project. */
  save(path: string): Promise<void>;
  complete(folder: string): Completer;
}

/** A side panel with the projects of a folder and their runs. All that comes from a project is text, never markup. */
export class ProjectsPanel extends Widget {
  constructor(
    private readonly client: Client,
    private readonly live: Live,
    private readonly trans: TranslationBundle,
    private readonly frontEnd: IFrontEnd
  ) {
    super();
    this.id = 'nbproj-projects';
    this.addClass('nbproj-Panel');
    this.title.caption = trans.__('Projects');
    set(this.node, { role: 'region', 'aria-label': trans.__('Projects') });
    this.heading = element('h2', {}, trans.__('Projects'));
    this.told = element('p', { class: 'nbproj-told', role: 'status' });
    this.where = element('select', { class: 'nbproj-input', change: () => this.chosen(this.where.selectedIndex) });
    this.entries = element('select', { class: 'nbproj-input', change: () => this.choose(this.entries.value) });
    this.about = element('p', { class: 'nbproj-help' });
    this.room = element('div');
    this.card = new RunCard(client, trans, {
      openNotebook: path => frontEnd.openNotebook(path),
      changed: () => live.soon(),
      drawn: () => {
        // What was just begun is what one wants to watch; what was chosen in the table stays beside it.
        this.card.element.scrollIntoView({ block: this.began ? 'start' : 'nearest' });
        this.began = false;
      }
    });
    this.runs = new RunsTable(client, live, trans);
    this.runs.selected = ids => this.select(ids);
    this.choice = setting(trans.__('entry point'), this.entries);
    set(this.choice, { hidden: true });
    const top = new Widget();
    top.node.append(this.heading, setting(trans.__('project'), this.where), this.told, this.choice, this.about, this.room, this.card.element);
    top.node.append(element('h3', {}, trans.__('Runs')));
    const layout = new PanelLayout();
    layout.addWidget(top);
    layout.addWidget(this.runs);
    this.layout = layout;
  }

  /** Where the environment of a run comes from, unless the form says otherwise. */
  set environment(name: string) {
    const changed = name !== this.manager;
    this.manager = name;
    if (changed && !this.form?.dirty) {
      this.choose(this.entries.value);
    }
  }

  /** What is looked at. */
  get target(): ITarget {
    return this.targets[this.at] ?? { path: '', label: '' };
  }

  /** Offer targets: the folder, the open notebook. The last one is what the reader turned to; a form that is being filled in stays. */
  offer(targets: ITarget[]): void {
    const kept = this.asked ? [this.asked] : [];
    const held = this.form?.dirty === true || this.asked !== null;
    const before = this.target;
    this.targets = [...targets, ...kept.filter(one => !targets.some(other => other.path === one.path && !one.entry))];
    const same = this.targets.findIndex(one => one.path === before.path && one.entry === before.entry);
    if (held && same < 0) {
      this.targets.push(before);
    }
    this.at = held ? (same < 0 ? this.targets.length - 1 : same) : Math.max(targets.length - 1, 0);
    fill(this.where, this.targets.map((one, index) => element('option', { value: index }, one.label)));
    this.where.selectedIndex = this.at;
    const now = this.target;
    if (now.path !== before.path || now.entry !== before.entry) {
      void this.refresh();
    }
  }

  /** Look at a file or folder that was asked for. */
  turn(target: ITarget): void {
    this.asked = target;
    this.form = null;
    const others = this.targets.filter(one => one.path !== target.path || one.entry);
    this.targets = [...others, target];
    this.at = this.targets.length - 1;
    fill(this.where, this.targets.map((one, index) => element('option', { value: index }, one.label)));
    this.where.selectedIndex = this.at;
    void this.refresh(true);
  }

  /** A file was saved: what it declares may be another now. */
  saved(path: string): void {
    const { path: own } = this.target;
    if (this.isVisible && !this.form?.dirty && (path === own || own === '' || path.startsWith(`${own}/`))) {
      void this.refresh();
    }
  }

  /** Show a run's card. */
  showRun(id: string): void {
    this.card.show(id, this.target.path);
  }

  /** Begin anew: another store is shown. */
  reset(): void {
    this.card.hide();
    this.runs.reset();
    this.live.soon();
  }

  /** Read the project again. */
  async refresh(first = false): Promise<void> {
    const { path, entry } = this.target;
    this.live.path = path;
    this.runs.showFolder(path);
    if (!this.isVisible && !first) {
      this.read = '';
      return;
    }
    const turn = ++this.turns;
    try {
      const project = await this.client.project(path);
      if (turn === this.turns && !this.isDisposed) {
        const read = path + (entry ?? '');
        // Told the same again, the form stays as it is, and the focus in it.
        if (project !== this.project || read !== this.read || !this.form) {
          this.fill(project, entry);
        }
        this.read = read;
        if (first) {
          this.entries.focus();
        }
      }
    } catch (error) {
      if (turn === this.turns && !this.isDisposed) {
        this.refuse(error);
      }
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    const { path, entry } = this.target;
    if (this.read !== path + (entry ?? '')) {
      void this.refresh();
    }
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.where.focus();
  }

  private chosen(index: number): void {
    this.at = index;
    this.asked = this.targets[index] ?? null;
    this.form = null;
    void this.refresh();
  }

  private fill(project: IProject, entry?: string): void {
    this.project = project;
    this.told.textContent = project.warnings.join('\n');
    const before = this.read === this.target.path + (entry ?? '') ? this.entries.value : undefined; // of another project it means nothing
    const points = Object.entries(project.entry_points);
    this.heading.textContent = project.name;
    fill(this.entries, points.map(([name]) => element('option', { value: name }, name)));
    set(this.choice, { hidden: !points.length });
    if (!points.length) {
      this.told.textContent = this.trans.__('Nothing to run here: no MLproject, script or notebook');
    }
    const wanted = [entry, before, 'main', points.find(([, point]) => !point.problem)?.[0]];
    this.choose(wanted.find((name): name is string => name !== undefined && name in project.entry_points) ?? points[0]?.[0] ?? '');
  }

  private choose(name: string): void {
    const point = this.project?.entry_points[name];
    this.form?.dispose();
    this.form = null;
    fill(this.room, []);
    this.about.textContent = '';
    if (!this.project || !point) {
      return;
    }
    this.entries.value = name;
    this.about.textContent = described(point);
    if (point.problem) {
      fill(this.room, [element('p', { class: 'nbproj-problem' }, this.trans.__('cannot be run: %1', point.problem))]);
      return;
    }
    const { path } = this.target;
    const acts = {
      run: (order: IOrder) => this.start(() => this.client.start(order)),
      batch: (order: IOrder & { several: Record<string, string> }) => this.start(() => this.client.startBatch(order))
    };
    const complete = this.frontEnd.complete(this.project.folder ?? '');
    this.form = new Form(this.client, this.trans, path, this.project, name, point, this.manager, complete, acts);
    this.room.append(this.form.element);
  }

  private async start(begin: () => ReturnType<Client['start']>): Promise<void> {
    const { path } = this.target;
    await this.frontEnd.save(path);
    const row = await begin();
    this.began = true;
    this.card.show(row.run_id, path);
    this.live.soon();
  }

  private select(ids: string[]): void {
    const [last] = ids.slice(-1);
    if (ids.length === 1 && last) {
      this.showRun(last);
    }
  }

  private refuse(error: unknown): void {
    this.project = null;
    this.read = '';
    this.heading.textContent = this.trans.__('Projects');
    fill(this.entries, []);
    set(this.choice, { hidden: true });
    this.choose('');
    this.told.textContent = told(error);
  }

  private readonly heading: HTMLHeadingElement;
  private readonly told: HTMLParagraphElement;
  private readonly where: HTMLSelectElement;
  private readonly entries: HTMLSelectElement;
  private readonly choice: HTMLDivElement;
  private readonly about: HTMLParagraphElement;
  private readonly room: HTMLDivElement;
  private readonly card: RunCard;
  private readonly runs: RunsTable;
  private form: Form | null = null;
  private project: IProject | null = null;
  private targets: ITarget[] = [];
  private asked: ITarget | null = null;
  private manager = '';
  private read = '';
  private at = 0;
  private began = false;
  private turns = 0;
}

/** What an entry point is, and where that stands. */
function described(point: IEntryPoint): string {
  const what = point.notebook ? (point.cells ? `${point.notebook} (${point.cells})` : point.notebook) : (point.script ?? point.command ?? '');
  return [what, point.declared_in === what ? '' : (point.declared_in ?? '')].filter(Boolean).join(' \u00b7 ');
}
