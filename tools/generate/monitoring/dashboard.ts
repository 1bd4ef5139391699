/** One query of a panel. */
export interface Query {
  expr: string;
  /** Name of the series, with labels as {{label}}. */
  legend?: string;
}

/** What is shown and how; the place follows from the order. */
export interface Panel {
  title: string;
  description: string;
  type: 'timeseries' | 'stat' | 'table' | 'logs';
  /** Unit by Grafana's identifier, such as `s` or `bytes`; `none` for a number. */
  unit: string;
  queries: Query[];
  /** Columns of 24. */
  width: number;
  height: number;
  /** Areas on top of each other. */
  stacked?: boolean;
  /** Values from which a number is yellow and red; for `stat`. */
  limits?: { warning: number; critical: number };
  /** Columns of a table, by label, in this order; the others are left out. */
  columns?: Record<string, string>;
}

/** Panels below a headline. */
export interface Row {
  title: string;
  panels: Panel[];
}

/** A choice at the top of a dashboard, filled by a query. */
export interface Variable {
  name: string;
  label: string;
  query: string;
  /** Several values or all may be chosen. */
  multiple: boolean;
}

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  /** Kind of the data source, chosen at the top as well. */
  datasource: 'prometheus' | 'loki';
  variables: Variable[];
  /** Choices at the top of which several may be taken. */
  choices?: { name: string; label: string; values: string[] }[];
  /** Free texts at the top, by name. */
  texts?: { name: string; label: string }[];
  rows: Row[];
}

/** Lets a panel take a part of the width. */
type PanelText = Omit<Panel, 'type' | 'width' | 'height'>;

/** Lines over time. */
export function graph(panel: PanelText, width = 8): Panel {
  return { ...panel, type: 'timeseries', width, height: 8 };
}

/** One number, now. */
export function stat(panel: PanelText, width = 4): Panel {
  return { ...panel, type: 'stat', width, height: 4 };
}

/** Rows of objects, now. */
export function table(panel: PanelText & Required<Pick<Panel, 'columns'>>, width = 24): Panel {
  return { ...panel, type: 'table', width, height: 9 };
}
