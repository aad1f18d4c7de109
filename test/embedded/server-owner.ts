import { startEmbeddedNats } from '../../adapters/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';

/** A process that owns a server, to be killed: prints the server's URL and pid as JSON, then waits. */
const [kind, dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('usage: server-owner.ts postgres|nats DATA_DIR');
const start = kind === 'nats' ? startEmbeddedNats : startEmbeddedPostgres;
const { url, pid } = await start({ dataDir, port: 0, durable: true });
process.stdout.write(`${JSON.stringify({ url, pid })}\n`);
process.stdin.resume();
