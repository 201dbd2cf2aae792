/** What can be asked for by name: in the palette, in menus, on toolbars. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { Cell, CodeCell } from '@jupyterlab/cells';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';
import { listIcon, runIcon } from '@jupyterlab/ui-components';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Live } from './live';
import { entriesOf, holdsParameters, markEntries, markParameters, names } from './marks';
import { ProjectsPanel } from './panel';
import { Client } from './request';
import { RunsTable } from './table';
import { fileTarget } from './targets';

export const COMMANDS = {
  projects: 'nbproj:open-projects',
  runs: 'nbproj:open-runs',
  file: 'nbproj:run-file',
  notebook: 'nbproj:run-notebook',
  parameters: 'nbproj:mark-parameters',
  entry: 'nbproj:mark-entry-point'
};

/** What the commands act on. */
export interface IParts {
  app: JupyterFrontEnd;
  client: Client;
  live: Live;
  panel: ProjectsPanel;
  trans: TranslationBundle;
  notebooks: INotebookTracker | null;
  browsers: IFileBrowserFactory | null;
  /** The tables in the main area. */
  tables: WidgetTracker<MainAreaWidget<RunsTable>>;
}

/** Add the commands. */
export function addCommands(parts: IParts): void {
  const { app, panel, trans } = parts;
  const { commands, shell } = app;
  const show = (): void => {
    shell.activateById(panel.id);
    // The palette gives the focus back to the document when it has carried out a command.
    window.setTimeout(() => panel.activate());
  };
  const noArguments = { args: { type: 'object', properties: {} } };

  commands.addCommand(COMMANDS.projects, {
    label: args => (args['isLauncher'] ? trans.__('Projects') : trans.__('Show Projects and Their Runs')),
    caption: trans.__('Entry points of the current folder or notebook, a form for their parameters, and their runs'),
    icon: listIcon,
    describedBy: noArguments,
    execute: show
  });

  commands.addCommand(COMMANDS.runs, {
    label: trans.__('Open the Table of Runs'),
    caption: trans.__('All runs of the tracking store of this folder, to be found, sorted and compared'),
    icon: listIcon,
    describedBy: { args: { type: 'object', properties: { id: { type: 'string' }, path: { type: 'string' } } } },
    execute: args => {
      // With the id that it had, a table is put where it was.
      const id = typeof args['id'] === 'string' ? args['id'] : `nbproj-runs-${Date.now()}`;
      const path = typeof args['path'] === 'string' ? args['path'] : panel.target.path;
      const table = new RunsTable(parts.client, parts.live, trans);
      table.showFolder(path);
      const main = new MainAreaWidget({ content: table });
      main.title.label = trans.__('Runs');
      main.title.icon = listIcon;
      main.id = id;
      void parts.tables.add(main);
      shell.add(main, 'main');
      shell.activateById(main.id);
    }
  });

  const selected = (): ReturnType<typeof fileTarget> => {
    const [item] = parts.browsers?.tracker.currentWidget?.selectedItems() ?? [];
    return item ? fileTarget(app.serviceManager.contents.localPath(item.path), item.type, trans) : null;
  };
  commands.addCommand(COMMANDS.file, {
    label: trans.__('Run as Project...'),
    icon: runIcon,
    describedBy: noArguments,
    isVisible: () => selected() !== null,
    execute: () => {
      const target = selected();
      if (target) {
        show();
        panel.turn(target);
      }
    }
  });

  const { notebooks } = parts;
  if (!notebooks) {
    return;
  }
  commands.addCommand(COMMANDS.notebook, {
    label: args => (args['toolbar'] ? '' : trans.__('Run This Notebook as a Project...')),
    caption: trans.__('Run this notebook as a project: choose entry point and parameters'),
    icon: listIcon,
    describedBy: { args: { type: 'object', properties: { toolbar: { type: 'boolean' } } } },
    isEnabled: () => notebooks.currentWidget !== null,
    execute: () => {
      const current = notebooks.currentWidget;
      const target = current && fileTarget(app.serviceManager.contents.localPath(current.context.path), 'notebook', trans);
      if (target) {
        show();
        panel.turn(target);
      }
    }
  });

  // A menu is about the cell that it was opened on, which need not be the active one.
  const cell = (args: ReadonlyPartialJSONObject): Cell | null => {
    const node = args['menu'] ? app.contextMenuHitTest(one => one.classList.contains('jp-Cell')) : undefined;
    const found = node ? notebooks.currentWidget?.content.widgets.find(one => one.node === node) : notebooks.activeCell;
    return found instanceof CodeCell ? found : null;
  };
  const aboutCell = { args: { type: 'object', properties: { menu: { type: 'boolean' } } } };
  commands.addCommand(COMMANDS.parameters, {
    label: trans.__('Mark the Cell as Parameters'),
    caption: trans.__('What this cell assigns are the parameters of the notebook'),
    describedBy: aboutCell,
    isToggleable: true,
    isToggled: args => {
      const one = cell(args);
      return one !== null && holdsParameters(one);
    },
    isEnabled: args => cell(args) !== null,
    execute: args => {
      const one = cell(args);
      if (one) {
        markParameters(one, !holdsParameters(one));
      }
    }
  });
  commands.addCommand(COMMANDS.entry, {
    label: trans.__('Mark the Cell as Part of an Entry Point...'),
    caption: trans.__('Running the entry point runs this cell, and those that belong to none'),
    describedBy: aboutCell,
    isToggleable: true,
    isToggled: args => {
      const one = cell(args);
      return one !== null && entriesOf(one).length > 0;
    },
    isEnabled: args => cell(args) !== null,
    execute: async args => {
      const active = cell(args);
      if (!active) {
        return;
      }
      const told = await InputDialog.getText({
        title: trans.__('Entry points of this cell'),
        label: trans.__('Names, or nothing to take the mark away'),
        text: entriesOf(active).join(' '),
        pattern: '\\s*([A-Za-z_][\\w.\\-]*[\\s,]*)*',
        trans
      } as Parameters<typeof InputDialog.getText>[0]);
      if (told.button.accept && !active.isDisposed) {
        markEntries(active, names(told.value ?? ''));
      }
    }
  });
}
