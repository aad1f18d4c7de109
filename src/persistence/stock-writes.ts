import { type OrderLineUse, orderLineKey } from '../domain/eligibility.ts';
import { shortageUnits } from '../domain/stock-level.ts';
import type { Movement, WorkingSet } from '../domain/working-set.ts';
import type { Ids } from '../ports.ts';
import { instant, type Statement } from './statements.ts';

type ChangedPool = ReturnType<WorkingSet['changedPools']>[number];

/** The version in the WHERE is the proof that nobody else changed the pool: fewer rows end the transaction. */
export function poolStatements(work: WorkingSet): Statement[] {
  const changed = work.changedPools();
  if (changed.length === 0) return [];
  return [changed.some(isRuledAnew) ? updateRuledPools(changed, work.now) : updatePools(changed, work.now)];
}

/** Whether the change is more than one of counters. Mostly it is not: then nothing else is sent. */
function isRuledAnew({ before, after }: ChangedPool): boolean {
  return (
    before.ruleVersion !== after.ruleVersion ||
    before.safetyStock !== after.safetyStock ||
    before.exchangeMinimum !== after.exchangeMinimum ||
    before.saleReserved !== after.saleReserved
  );
}

const SET_COUNTERS = `on_hand = w.on_hand, reserved = w.reserved, unavailable = w.unavailable, committed = w.committed,
          shortage = w.shortage, version = p.version + 1, change_time = ${instant('$10::float8')},
          count_time = case when w.counted_at = 0 then null else ${instant('w.counted_at')} end`;

const COUNTERS =
  '$1::text[], $2::text[], $3::bigint[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::float8[]';

const COUNTER_NAMES = 'sku, warehouse, version, on_hand, reserved, unavailable, committed, shortage, counted_at';

const SAME_POOL = 'p.sku = w.sku and p.warehouse = w.warehouse and p.version = w.version';

const ASSERT_CHANGED = `select assert_rows((select count(*) from changed), $11::bigint, 'stock_pool')`;

function updatePools(changed: readonly ChangedPool[], now: number): Statement {
  return {
    name: 'update-pools',
    text: `with changed as (update stock_pool p set ${SET_COUNTERS}
        from unnest(${COUNTERS}) as w (${COUNTER_NAMES})
        where ${SAME_POOL}
        returning 1)
        ${ASSERT_CHANGED}`,
    values: counterValues(changed, now),
  };
}

/** With what the rules in force say of the pools, and with what sales hold of them. */
function updateRuledPools(changed: readonly ChangedPool[], now: number): Statement {
  const after = changed.map((change) => change.after);
  return {
    name: 'update-ruled-pools',
    text: `with changed as (update stock_pool p set ${SET_COUNTERS}, sale_reserved = w.sale_reserved,
          safety_stock = w.safety_stock, exchange_minimum = w.exchange_minimum, low_threshold = w.low_threshold,
          rule_version = w.rule_version
        from unnest(${COUNTERS}, $12::int[], $13::int[], $14::int[], $15::int[], $16::bigint[])
          as w (${COUNTER_NAMES}, sale_reserved, safety_stock, exchange_minimum, low_threshold, rule_version)
        where ${SAME_POOL}
        returning 1)
        ${ASSERT_CHANGED}`,
    values: [
      ...counterValues(changed, now),
      after.map((level) => level.saleReserved),
      after.map((level) => level.safetyStock),
      after.map((level) => level.exchangeMinimum),
      after.map((level) => level.lowThreshold),
      after.map((level) => level.ruleVersion),
    ],
  };
}

function counterValues(changed: readonly ChangedPool[], now: number): unknown[] {
  const after = changed.map((change) => change.after);
  return [
    after.map((level) => level.sku),
    after.map((level) => level.warehouse),
    changed.map((change) => change.before.version),
    after.map((level) => level.onHand),
    after.map((level) => level.reserved),
    after.map((level) => level.unavailable),
    after.map((level) => level.committed),
    after.map((level) => shortageUnits(level)),
    after.map((level) => level.countedAt),
    now,
    after.length,
  ];
}

export function movementStatements(work: WorkingSet, ids: Ids): Statement[] {
  const movements = work.movements;
  if (movements.length === 0) return [];
  const versions = new Map(
    work.changedPools().map(({ after }) => [`${after.sku}\u0000${after.warehouse}`, after.version]),
  );
  const column = <T>(pick: (movement: Movement) => T) => movements.map(pick);
  return [
    {
      name: 'insert-movements',
      text: `insert into stock_movement (movement_id, sku, warehouse, kind, on_hand_delta, unavailable_delta,
          committed_delta, pool_version, reservation_id, actor, reason, occur_time, create_time, trace_id)
        select id, sku, warehouse, kind, on_hand, unavailable, committed, version, reservation_id, actor, reason,
          ${instant('occurred_at')}, ${instant('$14::float8')}, trace_id
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::bigint[],
          $9::uuid[], $10::text[], $11::text[], $12::float8[], $13::text[])
          as m (id, sku, warehouse, kind, on_hand, unavailable, committed, version, reservation_id, actor, reason,
            occurred_at, trace_id)`,
      values: [
        column(() => ids.uuid()),
        column((movement) => movement.sku),
        column((movement) => movement.warehouse),
        column((movement) => movement.kind),
        column((movement) => movement.onHandDelta),
        column((movement) => movement.unavailableDelta),
        column((movement) => movement.committedDelta),
        column((movement) => versions.get(`${movement.sku}\u0000${movement.warehouse}`) ?? 0),
        column((movement) => movement.reservationId),
        column((movement) => movement.cause.caller.principal),
        column((movement) => movement.cause.reason),
        column((movement) => movement.occurredAt),
        column((movement) => movement.cause.traceId),
        work.now,
      ],
    },
  ];
}

/** Order lines that something is exchanged on keep their numbers; those only created to be locked are removed again. */
export function orderLineStatements(work: WorkingSet, created: readonly OrderLineUse[]): Statement[] {
  const uses = work.changedOrderLines();
  const changed = new Set(uses.map((use) => orderLineKey(use.orderId, use.orderLineId)));
  const unused = created.filter((use) => !changed.has(orderLineKey(use.orderId, use.orderLineId)));
  return [...deleteOrderLines(unused), ...updateOrderLines(uses)];
}

function deleteOrderLines(unused: readonly OrderLineUse[]): Statement[] {
  if (unused.length === 0) return [];
  return [
    {
      name: 'delete-unused-order-lines',
      text: `delete from order_line o using unnest($1::text[], $2::text[]) as w (order_id, order_line_id)
        where o.order_id = w.order_id and o.order_line_id = w.order_line_id and o.exchanged = 0 and o.purchased = 0`,
      values: [unused.map((use) => use.orderId), unused.map((use) => use.orderLineId)],
    },
  ];
}

function updateOrderLines(uses: readonly OrderLineUse[]): Statement[] {
  if (uses.length === 0) return [];
  return [
    {
      name: 'update-order-lines',
      text: `update order_line o set purchased = w.purchased, exchanged = w.exchanged
        from unnest($1::text[], $2::text[], $3::int[], $4::int[]) as w (order_id, order_line_id, purchased, exchanged)
        where o.order_id = w.order_id and o.order_line_id = w.order_line_id`,
      values: [
        uses.map((use) => use.orderId),
        uses.map((use) => use.orderLineId),
        uses.map((use) => use.purchased),
        uses.map((use) => use.exchanged),
      ],
    },
  ];
}
