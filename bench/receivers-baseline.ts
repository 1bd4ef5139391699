import { answerAll } from './attack-server.ts';

/** What Node's server takes to read a webhook and to answer it, without a look at it. */
answerAll((response) => {
  response.req.resume().once('end', () => response.end());
});
