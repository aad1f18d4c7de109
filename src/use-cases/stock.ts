import { applyCount, type StockCount } from '../domain/counting.ts';
import type { Item } from '../domain/item.ts';
import { keepItemIds } from '../domain/item-ids.ts';
import { MissingRows } from '../domain/missing-rows.ts';
import { type Refusal, refuse, unsupported } from '../domain/refusal.ts';
import type { Warehouse } from '../domain/sourcing.ts';
import { applyDelta, fitsCounters, type StockDelta, type StockLevel } from '../domain/stock-level.ts';
import type { Cause, MovementKind, PoolRef, WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type Outcome, type UnitOfWork } from '../ports.ts';
import { type Call, causeOf, claimOf, type RequestKey, submitOne } from './call.ts';
import { applyUnitChanges, checkUnitChanges } from './unit-changes.ts';

export interface StockChange extends PoolRef {
  readonly delta: StockDelta;
  /** The serial units that change, as many as each delta but that of committed; absent or empty where there are none. */
  readonly unitIds?: readonly string[];
}

/** A pool with the serial units of it that are named. */
type NamedPool = PoolRef & Pick<StockChange, 'unitIds'>;

interface StockRequest extends RequestKey {
  /** Why, in the caller's words; stands on each movement. */
  readonly reason: string;
}

type Deps = { readonly unitOfWork: UnitOfWork };

/** Goods came in: on hand rises. All receipts or none. */
export function receiveStock(
  deps: Deps,
  input: StockRequest & { readonly receipts: readonly StockChange[] },
  call: Call,
): Promise<Outcome> {
  return submitStock(deps, 'receive-stock', 'ReceiveStock', input, input.receipts, call, (work, cause) =>
    moveAll(work, input.receipts, 'RECEIVED', cause),
  );
}

/** Corrects counters by signed deltas. All adjustments or none. */
export function adjustStock(
  deps: Deps,
  input: StockRequest & { readonly adjustments: readonly StockChange[] },
  call: Call,
): Promise<Outcome> {
  return submitStock(deps, 'adjust-stock', 'AdjustStock', input, input.adjustments, call, (work, cause) =>
    moveAll(work, input.adjustments, 'ADJUSTED', cause),
  );
}

/** Replaces on hand by what was counted. A count older than the last one of its pool changes nothing. */
export function countStock(
  deps: Deps,
  input: StockRequest & { readonly counts: readonly StockCount[] },
  call: Call,
): Promise<Outcome> {
  const command = stockCommand('count-stock', 'CountStock', input, input.counts, call, (work, cause) =>
    countAll(work, input.counts, cause),
  );
  return submitOne(
    deps.unitOfWork,
    { ...command, needs: { ...command.needs, movedSince: countNeeds(input.counts) } },
    call,
  );
}

/** The movements a set of counts must be held against. */
export function countNeeds(counts: readonly StockCount[]): (PoolRef & { since: number })[] {
  return counts.flatMap(({ sku, warehouse, countedAt }) =>
    countedAt === null ? [] : [{ sku, warehouse, since: countedAt }],
  );
}

/** Applies counts in order; the first refusal stops and is returned, and nothing may then be kept. */
export function countAll(
  work: WorkingSet,
  counts: readonly StockCount[],
  cause: Cause,
): Refusal | readonly StockLevel[] {
  const seen = new Map<string, StockLevel>();
  const counted: StockLevel[] = [];
  for (const count of counts) {
    const key = `${count.sku}\u0000${count.warehouse}`;
    const level = seen.get(key) ?? knownPool(work, count);
    if ('reason' in level) return level;
    if (work.isSerial(count.sku)) return unsupported('counts of serial units');
    const since = count.countedAt ?? work.now;
    const result = applyCount(level, count, work.movedSince(count.sku, count.warehouse, since), work.now);
    if (result.outcome === 'refused') return result.refusal;
    if (result.outcome === 'ignored') continue;
    seen.set(key, result.level);
    counted.push(result.level);
  }
  for (const level of counted) work.move(level, 'COUNTED', cause, level.countedAt);
  return levelsOf(work, counts);
}

/**
 * Creates or replaces items by SKU; the stable item id of a known SKU stays.
 * @param input with the item ids that the caller chose, where it chose any
 */
export function putItems(
  deps: Deps,
  input: RequestKey & { readonly items: readonly Item[]; readonly namedIds?: readonly string[] },
  call: Call,
): Promise<Outcome> {
  const command: Command = {
    ...catalogCommand('put-items', 'PutItems', input, call),
    needs: {
      ...NO_NEEDS,
      skus: input.items.map((item) => item.sku),
      itemIds: input.namedIds ?? [],
      putItems: input.items,
    },
    lineCount: input.items.length,
    decide: (work) => {
      const items = keepItemIds(work, input.items, new Set(input.namedIds));
      if ('reason' in items) return { refusal: items };
      const stocked = items.find((item) => isRetracked(work, item) && isStocked(work, item));
      if (stocked !== undefined) {
        const metadata = { field: 'items.tracking', sku: stocked.sku };
        const text = 'the tracking of an item cannot change while it has stock or somebody waits for it';
        return { refusal: refuse('INVALID_FIELD', text, metadata) };
      }
      for (const item of items) work.putItem(item);
      return { answer: { kind: 'items', items } };
    },
  };
  return submitOne(deps.unitOfWork, command, call);
}

function isRetracked(work: WorkingSet, { sku, tracking }: Item): boolean {
  const known = work.item(sku);
  return known !== null && known.tracking !== tracking;
}

function isStocked(work: WorkingSet, { sku }: Item): boolean {
  const pools = [...work.pools.values()].filter((pool) => pool.sku === sku);
  const isHeld = pools.some((pool) => pool.onHand + pool.reserved + pool.unavailable + pool.committed > 0);
  return isHeld || work.waitlist.inOrder(sku).length > 0;
}

/** Creates or replaces warehouses by code. */
export function putWarehouses(
  deps: Deps,
  input: RequestKey & { readonly warehouses: readonly Warehouse[] },
  call: Call,
): Promise<Outcome> {
  const command: Command = {
    ...catalogCommand('put-warehouses', 'PutWarehouses', input, call),
    needs: NO_NEEDS,
    lineCount: input.warehouses.length,
    decide: (work) => {
      for (const warehouse of input.warehouses) work.putWarehouse(warehouse);
      return { answer: { kind: 'warehouses', warehouses: input.warehouses } };
    },
  };
  return submitOne(deps.unitOfWork, command, call);
}

function catalogCommand(name: string, method: string, input: RequestKey, call: Call) {
  return { name, caller: call.caller, claim: claimOf(method, input), trace: call.trace };
}

function submitStock(
  deps: Deps,
  name: string,
  method: string,
  input: StockRequest,
  pools: readonly NamedPool[],
  call: Call,
  decide: (work: WorkingSet, cause: Cause) => Refusal | readonly StockLevel[],
): Promise<Outcome> {
  return submitOne(deps.unitOfWork, stockCommand(name, method, input, pools, call, decide), call);
}

function stockCommand(
  name: string,
  method: string,
  input: StockRequest,
  pools: readonly NamedPool[],
  call: Call,
  decide: (work: WorkingSet, cause: Cause) => Refusal | readonly StockLevel[],
): Command {
  const lines = pools.map(({ sku, unitIds = [] }) => ({ sku, quantity: 0, unitIds }));
  return {
    name,
    caller: call.caller,
    claim: claimOf(method, input),
    needs: { ...NO_NEEDS, skus: [...new Set(pools.map((pool) => pool.sku))], newPools: pools, lines },
    lineCount: pools.length,
    trace: call.trace,
    decide: (work): Decision => {
      const result = decide(work, causeOf(call, input.reason));
      return 'reason' in result ? { refusal: result } : { answer: { kind: 'stock', levels: result } };
    },
  };
}

/** Sums the deltas of each pool, checks all of them, then applies all of them. */
function moveAll(
  work: WorkingSet,
  changes: readonly StockChange[],
  kind: MovementKind,
  cause: Cause,
): Refusal | readonly StockLevel[] {
  const after = new Map<string, StockLevel>();
  for (const change of changes) {
    const key = `${change.sku}\u0000${change.warehouse}`;
    const level = after.get(key) ?? knownPool(work, change);
    if ('reason' in level) return level;
    if (!fitsCounters(level, change.delta)) {
      return refuse('INVALID_FIELD', 'a counter would leave its range', {
        field: 'adjustments',
        sku: change.sku,
        warehouse: change.warehouse,
        on_hand: level.onHand,
        unavailable: level.unavailable,
        committed: level.committed,
      });
    }
    after.set(key, applyDelta(level, change.delta));
  }
  const wrong = checkUnitChanges(work, changes);
  if (wrong !== null) return wrong;
  applyUnitChanges(work, changes);
  for (const level of after.values()) work.move(level, kind, cause);
  return levelsOf(work, changes);
}

function knownPool(work: WorkingSet, { sku, warehouse }: PoolRef): StockLevel | Refusal {
  if (work.item(sku) === null) return refuse('UNKNOWN_SKU', `no item has the SKU ${sku}`, { sku });
  const level = work.pool(sku, warehouse);
  if (level !== null) return level;
  // Both are known, so one of them was put in this very unit, after the pools were made: the next try finds it.
  if (work.warehouse(warehouse) !== null) throw new MissingRows([], [sku]);
  return refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { warehouse });
}

/** The pools as they will be committed: each touched pool once, with the version this unit gives it. */
function levelsOf(work: WorkingSet, pools: readonly PoolRef[]): StockLevel[] {
  const committed = new Map(work.changedPools().map(({ after }) => [`${after.sku}\u0000${after.warehouse}`, after]));
  const keys = new Set(pools.map(({ sku, warehouse }) => `${sku}\u0000${warehouse}`));
  return [...keys].flatMap((key) => {
    const [sku = '', warehouse = ''] = key.split('\u0000');
    const level = committed.get(key) ?? work.pool(sku, warehouse);
    return level === null ? [] : [level];
  });
}
