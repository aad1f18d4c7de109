import type { Checkpoint } from '../../ports/checkpoints.ts';
import type { KnownCheckpoint } from '../../ports/ledger-auditor.ts';
import { LEAF_DATA } from '../checkpoints.ts';
import { MerkleTree } from '../merkle.ts';
import { millis, type Statement } from '../statements.ts';
import { DRIFTS_MAX } from './drift-list.ts';
import { type AuditRun, onSnapshot } from './snapshot.ts';

/** Leaves cost little each, so a chunk of them is this many times larger than one of reservations. */
const LEAVES_PER_CHUNK_ROW = 10;

/** Bytes of what one leaf is made of: two ids, a version and a hash. */
const LEAF_BYTES = 68;

/** The newest checkpoint, or null where there is none. */
export async function readLastCheckpoint(run: AuditRun): Promise<Checkpoint | null> {
  const [last] = await onSnapshot(run, (query) =>
    query<{ size: number; root: Buffer; covered_until: number; created_at: number }>({
      name: 'audit-last-checkpoint',
      text: `select size::float8 as size, root, ${millis('covered_time')} as covered_until,
          ${millis('create_time')} as created_at from audit_checkpoint order by size desc limit 1`,
      values: [],
    }),
  );
  if (last === undefined) return null;
  return { size: last.size, root: last.root, coveredUntil: last.covered_until, createdAt: last.created_at };
}

/**
 * Holds every leaf against its event, and the tree over the leaves against every checkpoint: those that are stored and
 * those that somebody kept outside the database.
 */
export async function auditCheckpoints(
  run: AuditRun,
  last: Checkpoint | null,
  known: readonly KnownCheckpoint[],
): Promise<void> {
  const size = last?.size ?? 0;
  const tree = new MerkleTree();
  const chunkSize = run.chunkSize * LEAVES_PER_CHUNK_ROW;
  let isWhole = true;
  for (let from = 0; from < size; from += chunkSize) {
    const upTo = Math.min(size, from + chunkSize);
    const chunk = await onSnapshot(run, async (query) => {
      const [leaves] = await query<LeafChunk>(leavesOf(from, upTo));
      const checkpoints = await query<KnownCheckpoint & Record<string, unknown>>(checkpointsOf(from, upTo));
      return { leaves, checkpoints };
    });
    for (const wrong of chunk.leaves?.wrong ?? []) addWrong(run, wrong);
    isWhole &&= isComplete(run, chunk.leaves, from, upTo);
    if (!isWhole) continue;
    const kept = known.filter((one) => one.size > from && one.size <= upTo);
    isWhole = holdsRoots(run, tree, chunk.leaves?.data ?? Buffer.alloc(0), [...chunk.checkpoints, ...kept]);
  }
  for (const one of known.filter((other) => other.size > size)) {
    run.drifts.add('CHECKPOINT', one.size, size, 'the ledger lacks events of a checkpoint that was made known', {});
  }
}

interface WrongLeaf {
  readonly event_id: string;
  readonly reservation_id: string;
  readonly version: number;
  readonly tracking_id: string;
  readonly is_gone: boolean;
}

type LeafChunk = { readonly leaves: number; readonly data: Buffer | null; readonly wrong: readonly WrongLeaf[] };

function leavesOf(from: number, upTo: number): Statement {
  return {
    name: 'audit-leaves',
    text: `with leaf as materialized (
        select * from audit_leaf where leaf_index >= $1::bigint and leaf_index < $2::bigint),
      wrong as (
        select l.event_id, l.reservation_id, l.version, e.hash is null as is_gone, coalesce(r.tracking_id, '') as tracking_id
        from leaf l left join audit_event e using (reservation_id, version) left join reservation r using (reservation_id)
        where e.hash is distinct from l.hash or e.event_id is distinct from l.event_id
        order by l.leaf_index limit ${DRIFTS_MAX})
      select (select count(*)::int from leaf) as leaves,
        (select string_agg(${LEAF_DATA}, ''::bytea order by leaf_index) from leaf) as data,
        (select coalesce(json_agg(wrong), '[]') from wrong) as wrong`,
    values: [from, upTo],
  };
}

function checkpointsOf(from: number, upTo: number): Statement {
  return {
    name: 'audit-checkpoints',
    text: `select size::float8 as size, root from audit_checkpoint
      where size > $1::bigint and size <= $2::bigint order by size`,
    values: [from, upTo],
  };
}

function addWrong(run: AuditRun, leaf: WrongLeaf): void {
  const place = { trackingId: leaf.tracking_id, eventId: leaf.event_id };
  const event = `event ${leaf.version} of reservation ${leaf.reservation_id}`;
  if (leaf.is_gone) run.drifts.add('REMOVED_EVENT', 1, 0, `${event} is gone since a checkpoint covered it`, place);
  else run.drifts.add('ALTERED_EVENT', 1, 0, `${event} is not the one that a checkpoint covered`, place);
}

function isComplete(run: AuditRun, chunk: LeafChunk | undefined, from: number, upTo: number): boolean {
  const leaves = chunk?.leaves ?? 0;
  if (leaves === upTo - from) return true;
  run.drifts.add('CHECKPOINT', upTo - from, leaves, `leaves ${from} to ${upTo - 1} are not all there`, {});
  return false;
}

/** Grows the tree by the leaves and compares its root at each checkpoint; after the first other root all are others. */
function holdsRoots(run: AuditRun, tree: MerkleTree, data: Buffer, checkpoints: readonly KnownCheckpoint[]): boolean {
  const first = tree.size;
  for (const { size, root } of checkpoints.toSorted((a, b) => a.size - b.size)) {
    grow(tree, data, first, size);
    if (tree.root().equals(root)) continue;
    run.drifts.add('CHECKPOINT', 1, 0, `the first ${size} events have another root than their checkpoint`, {});
    return false;
  }
  grow(tree, data, first, first + data.length / LEAF_BYTES);
  return true;
}

function grow(tree: MerkleTree, data: Buffer, first: number, size: number): void {
  while (tree.size < size) {
    const at = (tree.size - first) * LEAF_BYTES;
    tree.append(data.subarray(at, at + LEAF_BYTES));
  }
}
