/** What the server tells, and what it is asked: projects, runs, lines of the table. */

/** A value that JSON holds. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A parameter as `nbproj show --json` tells it. */
export interface IParameter {
  type: string;
  default?: Json;
  required?: boolean;
  help?: string;
  choices?: Json[];
  min?: number;
  max?: number;
  step?: number;
  /** The type of the elements of a list. */
  item?: string;
  flag?: string;
  secret: boolean;
  optional: boolean;
  /** The environment variable of a secret. */
  env?: string;
  declared_in?: string;
}

/** An entry point as `nbproj show --json` tells it. */
export interface IEntryPoint {
  parameters: Record<string, IParameter>;
  command?: string;
  notebook?: string;
  script?: string;
  cells?: string;
  help?: string;
  declared_in: string | null;
  /** Why it cannot be run. */
  problem?: string;
}

/** What a folder or notebook offers to run. */
export interface IProject {
  version: number;
  name: string;
  environment: { kind: string; file?: string; image?: string };
  entry_points: Record<string, IEntryPoint>;
  warnings: string[];
  /** What was asked for, and the folder that it is or lies in, as the contents API names them. */
  path: string | null;
  folder: string | null;
  /** What can be chosen: where the environment of a run comes from, and where it runs. */
  env_managers: string[];
  backends: string[];
}

export type RunStatus = 'SCHEDULED' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED' | 'LOST';

/** A run in a few words. Numbers that JSON has no word for are texts. */
export interface IRow {
  run_id: string;
  name: string;
  status: RunStatus;
  entry_point: string;
  metrics: Record<string, number | string>;
  start_time: number | null;
  end_time: number | null;
  exit_code: number | null;
  reason: string;
}

/** A line of the table of runs, as the table in a notebook gets it, too. */
export interface ILine {
  id: string;
  label?: string;
  status: RunStatus | 'DELETED';
  /** How many batches it stands below, and how many runs below it. */
  depth: number;
  kids: number;
  start: number | null;
  end: number | null;
  reason?: string;
  /** In the order of the columns. */
  cells: (string | number | null)[];
}

/** A window of the table. */
export interface IWindow {
  store: string;
  /** Why that store is shown. */
  why: string;
  start: number;
  /** Lines of the view; runs of it, which are more where batches are closed. */
  total: number;
  runs: number;
  columns: string[];
  rows: ILine[];
}

/** Which runs are asked for, in which order. */
export interface IView {
  /** Conditions in MLflow's language. */
  filter?: string;
  /** Words, each of which must occur. */
  text?: string;
  /** A column: `start_time`, `metrics.rmse` ... */
  sort?: string;
  descending?: boolean;
  grouped?: boolean;
  /** Ids of the batches whose runs are listed. */
  opened?: string[];
}

/** Which lines are asked for. */
export interface IQuery extends IView {
  path: string;
  experiment?: string;
  columns?: string[];
  start?: number;
  count?: number;
}

/** What the table asks beyond its lines: `columns`, `compare`, `curves`, `values`, `pictures`, `picture`, `notebooks` or `csv`. */
export interface IQuestion {
  kind: string;
  ids?: string[];
  key?: string;
  path?: string;
  batch?: string;
  columns?: string[];
  asked?: IView;
}

/** What is known of a run. */
export interface IRun {
  row: IRow;
  /** Whether nothing more will come: its status is final, and what it has left is all there. */
  settled: boolean;
  run: { [key: string]: Json };
  /** Its card: `application/vnd.nbproj.run.v1+json`. */
  card: { [key: string]: Json };
  /** Where its executed notebook can be opened; null when it lies outside the server's folder. */
  notebook_path: string | null;
  notebook_artifact: string | null;
}

export interface IStatus {
  version: string;
  store: string;
  why: string;
  running: number;
  lost: number;
}

export interface IArtifacts {
  artifacts: { path: string; size: number | null }[];
  left_out: number;
}

/** What is to be run, in the words of `nbproj.run`. */
export interface IOrder {
  path: string;
  entry_point?: string;
  parameters?: { [name: string]: Json };
  experiment_name?: string;
  run_name?: string;
  env_manager?: string;
  kernel?: string;
  backend?: string;
  timeout?: number;
  html?: boolean;
  version?: string;
  experiment_id?: string;
  backend_config?: { [key: string]: Json };
  tags?: Record<string, string>;
  allow_errors?: boolean;
  as_notebook?: boolean;
}

/** What a form is set to. */
export interface ICheck {
  path: string;
  entry_point: string;
  parameters: { [name: string]: Json };
  /** Texts that stand for several values each: then it is a batch. */
  several: Record<string, string>;
}

/** One thing that happened in a run. */
export interface IRunEvent {
  step: string;
  text?: string;
  done?: number;
  total?: number;
  data?: { [key: string]: Json };
}
