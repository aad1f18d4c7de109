import type { Pool, PoolClient } from 'pg';
import type { Checkpoint, CheckpointLease, Checkpoints } from '../ports/checkpoints.ts';
import { MerkleTree } from './merkle.ts';
import { lockSession, unlockSession } from './session-lock.ts';
import { instant, millis, NOW } from './statements.ts';

/** The session lock of whoever makes checkpoints; no shard of the relay has this number. */
const LOCK = 0x6d65726b;

/** Events covered by one checkpoint more than by the one before. */
const BATCH_MAX = 5_000;

/** How far back events are looked for again, in milliseconds, should the server's clock have been set back a little. */
const LOOK_BACK_MS = 5_000;

/** What a leaf is made of: it names the event and, by its hash, everything the event says. */
export const LEAF_DATA = 'uuid_send(event_id) || uuid_send(reservation_id) || int4send(version) || hash';

/**
 * Checkpoints over the audit events. Whoever holds the session lock makes them; were there two after all, the key of the
 * leaves lets only one of them through.
 */
export function createCheckpoints(pool: Pool, options: { readonly batchMax?: number } = {}): Checkpoints {
  return { lead: () => lead(pool, options.batchMax ?? BATCH_MAX) };
}

async function lead(pool: Pool, batchMax: number): Promise<CheckpointLease | null> {
  const client = await lockSession(pool, LOCK);
  if (client === null) return null;
  try {
    return await holdLease(client, batchMax);
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function holdLease(client: PoolClient, batchMax: number): Promise<CheckpointLease> {
  // A lost connection fails the next query, which ends the lease; it must not end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  const { tree, coveredUntil } = await readLast(client);
  const settled = settledTime(client);
  let lookedUntil = coveredUntil;
  return {
    async extend() {
      const until = await settled();
      if (until === null || until <= lookedUntil) return null;
      const events = await readUncovered(client, lookedUntil - LOOK_BACK_MS, until, batchMax);
      const isMore = events.length === batchMax;
      lookedUntil = isMore ? (events.at(-1)?.created_at ?? until) : until;
      if (events.length === 0) return null;
      const from = tree.size;
      for (const event of events) tree.append(event.data);
      return { checkpoint: await write(client, tree, from, events, lookedUntil), isMore };
    },
    async release() {
      await unlockSession(client);
      client.off('error', ignore);
    },
  };
}

async function readLast(client: PoolClient): Promise<{ tree: MerkleTree; coveredUntil: number }> {
  const result = await client.query<{ size: string; subtrees: Buffer[]; covered_until: number }>(
    `select size::text as size, subtrees, ${millis('covered_time')} as covered_until
      from audit_checkpoint order by size desc limit 1`,
  );
  const [last] = result.rows;
  if (last === undefined) return { tree: new MerkleTree(), coveredUntil: 0 };
  return { tree: new MerkleTree(Number(last.size), last.subtrees), coveredUntil: last.covered_until };
}

/**
 * The time before which no event can be committed any more, or null while it is not known. A unit reads the clock after
 * it got its transaction id: once every transaction that had one when we read the clock has ended, none is left that
 * could bring an earlier event. The clock is read first and by itself, so that no transaction comes between.
 */
function settledTime(client: PoolClient): () => Promise<number | null> {
  let asked: { readonly at: number; readonly nextXid: bigint } | null = null;
  let settled: number | null = null;
  return async () => {
    const clock = await client.query<{ now: number }>(`select ${millis(NOW)} as now`);
    const snapshot = await client.query<{ oldest: string; next: string }>(
      `select pg_snapshot_xmin(s)::text as oldest, pg_snapshot_xmax(s)::text as next from pg_current_snapshot() s`,
    );
    const [[read], [xids]] = [clock.rows, snapshot.rows];
    if (read === undefined || xids === undefined) return settled;
    const isSettled = asked !== null && BigInt(xids.oldest) >= asked.nextXid;
    if (asked !== null && isSettled) settled = asked.at;
    if (asked === null || isSettled) asked = { at: read.now, nextXid: BigInt(xids.next) };
    return settled;
  };
}

interface UncoveredEvent {
  readonly event_id: string;
  readonly reservation_id: string;
  readonly version: number;
  readonly hash: Buffer;
  readonly created_at: number;
  readonly data: Buffer;
}

/** Found by having no leaf, not by a high-water mark alone; oldest first. */
async function readUncovered(client: PoolClient, from: number, until: number, limit: number) {
  const result = await client.query<UncoveredEvent>({
    name: 'read-uncovered-events',
    text: `select event_id, reservation_id, version, hash, ${millis('create_time')} as created_at, ${LEAF_DATA} as data
      from audit_event e
      where create_time >= ${instant('$1::float8')} and create_time < ${instant('$2::float8')}
        and not exists (select 1 from audit_leaf l where l.reservation_id = e.reservation_id and l.version = e.version)
      order by create_time, reservation_id, version limit $3::int`,
    values: [from, until, limit],
  });
  return result.rows;
}

/** Leaves and checkpoint in one statement: both or neither. */
async function write(
  client: PoolClient,
  tree: MerkleTree,
  from: number,
  events: readonly UncoveredEvent[],
  coveredUntil: number,
): Promise<Checkpoint> {
  const root = tree.root();
  const result = await client.query<{ created_at: number }>({
    name: 'write-checkpoint',
    text: `with leaf as (
        insert into audit_leaf (leaf_index, event_id, reservation_id, version, hash)
        select $1::bigint + at - 1, event_id, reservation_id, version, hash
        from unnest($2::uuid[], $3::uuid[], $4::int[], $5::bytea[]) with ordinality
          as l (event_id, reservation_id, version, hash, at))
      insert into audit_checkpoint (size, root, subtrees, covered_time, create_time)
      values ($6::bigint, $7::bytea, $8::bytea[], ${instant('$9::float8')}, ${NOW})
      returning ${millis('create_time')} as created_at`,
    values: [
      from,
      events.map((event) => event.event_id),
      events.map((event) => event.reservation_id),
      events.map((event) => event.version),
      events.map((event) => event.hash),
      tree.size,
      root,
      tree.full.map((subtree) => Buffer.from(subtree)),
      coveredUntil,
    ],
  });
  return { size: tree.size, root, coveredUntil, createdAt: result.rows[0]?.created_at ?? 0 };
}
