import pg from 'pg';
import { PEER_SCHEMA_SQL } from './schema.ts';
import { POOL_MAX, startPeerService } from './service.ts';

const CONNECT_MAX_MS = 10_000;
const STATEMENT_MAX_MS = 5_000;

// The database comes by message, since arguments are visible to every process of the machine.
process.once('message', (message: { readonly databaseUrl: string }) => {
  void serve(message.databaseUrl);
});
process.once('disconnect', () => process.exit(0));

async function serve(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: POOL_MAX,
    min: POOL_MAX,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    statement_timeout: STATEMENT_MAX_MS,
    application_name: 'peer',
  });
  await pool.query(PEER_SCHEMA_SQL);
  const { port } = await startPeerService(pool);
  process.send?.({ kind: 'ready', port });
}
