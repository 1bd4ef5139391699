/** Something that yields a value. */
export type Operand =
  | { type: 'dot'; offset: number }
  | { type: 'nil'; offset: number }
  | { type: 'literal'; offset: number; value: string | number | boolean }
  | { type: 'variable'; offset: number; name: string; fields: readonly string[] }
  | { type: 'field'; offset: number; fields: readonly string[] }
  | { type: 'function'; offset: number; name: string }
  | { type: 'pipeline'; offset: number; pipeline: Pipeline; fields: readonly string[] };

/** An operand, or a function with its arguments. */
export interface Command {
  offset: number;
  operands: readonly [Operand, ...Operand[]];
}

/** Commands, each of which gets the value of the one before as its last argument. */
export interface Pipeline {
  offset: number;
  /** Variables that get the value: of `range` up to two. */
  variables: readonly string[];
  /** The variables are there already. */
  assigns: boolean;
  commands: readonly [Command, ...Command[]];
}

export type Node =
  | { type: 'text'; text: string }
  | { type: 'action'; offset: number; pipeline: Pipeline }
  | {
      type: 'if' | 'with' | 'range';
      offset: number;
      pipeline: Pipeline;
      body: readonly Node[];
      otherwise: readonly Node[];
    };
