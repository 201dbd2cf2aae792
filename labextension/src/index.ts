/** nbproj in JupyterLab and Notebook 7: projects and runs beside the notebook. */
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDefaultFileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { listIcon } from '@jupyterlab/ui-components';
import { addCommands, COMMANDS } from './commands';
import { Live } from './live';
import { addRenderers } from './mime';
import { ITarget, ProjectsPanel } from './panel';
import { Client } from './request';
import { applySettings } from './settings';
import { RunningItem } from './status';
import { RunsTable } from './table';
import { fileTarget, folderTarget, FrontEnd } from './targets';

const PLUGIN = 'nbproj:plugin';

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'A panel with the projects of a folder, a form for their parameters, and their runs.',
  autoStart: true,
  optional: [
    ICommandPalette,
    IDefaultFileBrowser,
    IFileBrowserFactory,
    ILauncher,
    ILayoutRestorer,
    INotebookTracker,
    IRenderMimeRegistry,
    ISettingRegistry,
    IStatusBar,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null,
    browsers: IFileBrowserFactory | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    rendermime: IRenderMimeRegistry | null,
    registry: ISettingRegistry | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbproj');
    const client = new Client(app.serviceManager.serverSettings);
    const live = new Live(client);
    const panel = new ProjectsPanel(client, live, trans, new FrontEnd(app));
    panel.title.icon = listIcon;
    app.shell.add(panel, 'left', { rank: 700 });
    restorer?.add(panel, panel.id);

    const tables = new WidgetTracker<MainAreaWidget<RunsTable>>({ namespace: 'nbproj-runs' });
    addCommands({ app, client, live, panel, trans, notebooks, browsers, tables });
    void restorer?.restore(tables, {
      command: COMMANDS.runs,
      name: widget => widget.id,
      args: widget => ({ id: widget.id, path: widget.content.folder })
    });

    const category = trans.__('Projects');
    const { file, ...others } = COMMANDS;
    for (const command of Object.values(others)) {
      if (app.commands.hasCommand(command)) {
        palette?.addItem({ command, category });
      }
    }
    launcher?.add({ command: COMMANDS.projects, category: trans.__('Other'), rank: 100, args: { isLauncher: true } });

    // A drive of its own ("RTC:wine") shows the same folder.
    const local = (path: string): string => app.serviceManager.contents.localPath(path);
    const offer = (last: 'folder' | 'notebook'): void => {
      const current = notebooks?.currentWidget;
      const shown = current && !current.isDisposed ? fileTarget(local(current.context.path), 'notebook', trans) : null;
      const open: ITarget[] = shown ? [shown] : [];
      const place = browser ? local(browser.model.path) : current ? PathExt.dirname(local(current.context.path)) : '';
      const folder = [folderTarget(place, trans)];
      panel.offer(last === 'folder' ? [...open, ...folder] : [...folder, ...open]);
    };
    // A file browser that comes back to its folder, which may be when the notebook is open already, is not a reader who turns to that folder.
    let back = false;
    void browser?.model.restored.then(() => (back = true));
    browser?.model.pathChanged.connect(() => offer(back ? 'folder' : 'notebook'));
    notebooks?.currentChanged.connect(() => offer('notebook'));
    notebooks?.widgetAdded.connect((_tracker, added: NotebookPanel) => {
      added.context.pathChanged.connect(() => offer('notebook'));
      added.context.saveState.connect((context, state) => {
        if (state === 'completed') {
          panel.saved(local(context.path));
        }
      });
    });
    offer('notebook');

    if (rendermime) {
      const show = (runId: string): void => {
        app.shell.activateById(panel.id);
        panel.showRun(runId);
      };
      addRenderers({ client, trans, rendermime, path: () => panel.target.path, show });
    }
    if (statusBar) {
      live.counts = true;
      const item = new RunningItem(live, trans, () => void app.commands.execute(COMMANDS.projects));
      statusBar.registerStatusItem('nbproj:running', { align: 'left', item, rank: 90 });
    }
    // The folder of the browser is known once the front end is there.
    void app.restored.then(async () => {
      if (registry) {
        await applySettings(registry, PLUGIN, { client, live, panel, tables }).catch(reason => console.error('nbproj:', reason));
      }
      offer('notebook');
      live.begin();
    });
  }
};

export default plugin;
