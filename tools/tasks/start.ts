// npm start: a control plane, NATS, the controllers and the example repository, and what happens there.
import { runStart } from '../start/run.ts';

process.exitCode = await runStart(process.argv.slice(2), process.env);
