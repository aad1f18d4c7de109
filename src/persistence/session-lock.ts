import type { Pool, PoolClient } from 'pg';

/** First half of every session lock's key, so that no other program in the database means the same. */
const SCOPE = 0x6561726d;

/**
 * Takes a lock that ends with the connection it is held on, and so with the process at the latest.
 * @param key 32 bits that tell the locks apart
 * @returns the connection, or null while another holds the lock
 */
export async function lockSession(pool: Pool, key: number): Promise<PoolClient | null> {
  const client = await pool.connect();
  try {
    const lock = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1, $2) as held', [SCOPE, key]);
    if (lock.rows[0]?.held === true) return client;
    client.release();
    return null;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Gives the lock back before the connection; a connection that was lost has given it back already. */
export async function unlockSession(client: PoolClient): Promise<void> {
  const unlocked = client.query('select pg_advisory_unlock_all()').then(
    () => true,
    () => false,
  );
  client.release(!(await unlocked));
}
