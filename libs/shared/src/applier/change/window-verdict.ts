/** Whether Windows hold the changes of an object. */
export type WindowVerdict =
  | { open: true }
  | {
      open: false;
      /** When nothing holds them any more, in milliseconds since the epoch; undefined when that is not known. */
      untilMs: number | undefined;
      /** Which Window holds them, for people. */
      message: string;
      /** Whether what was begun may go on. */
      overrun: boolean;
      /** Whether drift is not corrected either. */
      holdsDrift: boolean;
    };
