import type { PoolClient } from 'pg';
import { orderLineKey } from '../domain/eligibility.ts';
import type { Target } from '../domain/working-set.ts';
import type { Command } from '../ports.ts';
import type { ExchangeRef, LockSet, OrderLineRef } from './locks.ts';
import { lineFacts } from './rows.ts';
import { pipeline, rowsOf } from './statements.ts';

/** Rows that an earlier try found it needs beside those the commands named. */
export interface Extra {
  readonly reservationIds: ReadonlySet<string>;
  readonly skus: ReadonlySet<string>;
  /** Locks the customers of the commands and counts what they have. */
  readonly customers: boolean;
  /** Looks for due reservations through the pools themselves. */
  readonly deepDue: boolean;
  /**
   * Whether an earlier try found due reservations already, or saw that it has to look at more of them. Where they fall
   * due faster than units are tried, later ones are waited for only if they are in the way.
   */
  readonly dueFound: boolean;
}

export const NO_EXTRA: Extra = {
  reservationIds: new Set(),
  skus: new Set(),
  customers: false,
  deepDue: false,
  dueFound: false,
};

/** Chooses what to lock, from what the commands name and from unlocked reads of the reservations they mean. */
export async function planLocks(client: PoolClient, commands: readonly Command[], extra: Extra): Promise<LockSet> {
  const targets = commands.flatMap((command) => command.needs.targets);
  const found = await resolveTargets(client, targets, extra.reservationIds);
  const exchanges = new Map<string, ExchangeRef>();
  const orderIds = new Set<string>();
  const orderLines = new Map<string, OrderLineRef>();
  const wantedSkus = new Set(extra.skus);
  const skus = new Set<string>();
  const reservationIds = new Set<string>();
  for (const command of commands) {
    for (const sku of command.needs.skus) wantedSkus.add(sku);
    for (const ref of command.needs.orderLines) {
      orderIds.add(ref.orderId);
      orderLines.set(orderLineKey(ref.orderId, ref.orderLineId), ref);
    }
    for (const ref of command.needs.exchanges) {
      if (!exchanges.has(ref.exchangeId)) exchanges.set(ref.exchangeId, ref);
    }
  }
  for (const target of targets) {
    if (target.by !== 'exchange' || exchanges.has(target.id)) continue;
    exchanges.set(target.id, { exchangeId: target.id, newReservationId: null });
  }
  for (const ref of targetOrderLines(commands, found)) {
    orderIds.add(ref.orderId);
    orderLines.set(orderLineKey(ref.orderId, ref.orderLineId), ref);
  }
  const closing = commands.some((command) => command.needs.milestones);
  for (const row of found) {
    reservationIds.add(row.reservation_id);
    if (closing && row.targeted && !exchanges.has(row.exchange_id)) {
      exchanges.set(row.exchange_id, { exchangeId: row.exchange_id, newReservationId: null });
    }
    for (const line of lineFacts(row.lines)) {
      (row.targeted ? wantedSkus : skus).add(line.sku);
      if (line.orderLineId === '') continue;
      const ref = { orderId: row.order_id, orderLineId: line.orderLineId };
      orderLines.set(orderLineKey(ref.orderId, ref.orderLineId), ref);
    }
  }
  return {
    newRules: commands.some((command) => command.needs.newRules),
    exchanges: [...exchanges.values()],
    orderLines: [...orderLines.values()],
    customers: extra.customers ? [...new Set(commands.flatMap(({ needs }) => needs.customers))] : [],
    skus: [...new Set([...wantedSkus, ...skus])],
    wantedSkus: [...wantedSkus],
    wantedOrderIds: [...orderIds],
    putItems: commands.flatMap(({ needs }) => needs.putItems ?? []),
    newPools: commands.flatMap((command) => [...command.needs.newPools]),
    reservationIds: [...reservationIds].sort(),
    milestones: closing || commands.some((command) => command.needs.reachedMilestones === true),
    notificationIds: commands.flatMap(({ needs }) => needs.notifications.filter(isUuid)),
  };
}

/** The order lines that commands name of reservations whose order only the rows tell. */
function targetOrderLines(commands: readonly Command[], found: readonly FoundRow[]): OrderLineRef[] {
  return commands.flatMap(({ needs: { targets, targetOrderLineIds = [] } }) =>
    targetOrderLineIds.flatMap((orderLineId) =>
      found
        .filter((row) => targets.some((target) => isNamed(row, target)))
        .map((row) => ({ orderId: row.order_id, orderLineId })),
    ),
  );
}

function isNamed(row: FoundRow, { by, id }: Target): boolean {
  return id === { reservation: row.reservation_id, tracking: row.tracking_id, exchange: row.exchange_id }[by];
}

interface FoundRow {
  readonly reservation_id: string;
  readonly tracking_id: string;
  readonly exchange_id: string;
  readonly order_id: string;
  readonly lines: string;
  /** Whether a command names it; the others are locked only because they are in the way. */
  readonly targeted: boolean;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text can be a reservation id; another text names nothing. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

async function resolveTargets(
  client: PoolClient,
  targets: readonly Target[],
  reservationIds: ReadonlySet<string>,
): Promise<FoundRow[]> {
  if (targets.length === 0 && reservationIds.size === 0) return [];
  const idsBy = (by: Target['by']) => targets.filter((target) => target.by === by).map((target) => target.id);
  const [result] = await pipeline(client, 'plan', [
    {
      name: 'resolve-targets',
      text: `with wanted as (
          select unnest($1::uuid[]) as reservation_id, true as targeted
          union select reservation_id, true from reservation where tracking_id = any($2::text[])
          union select reservation_id, true from exchange where exchange_id = any($3::text[]) and reservation_id is not null
          union select unnest($4::uuid[]), false),
        found as (select reservation_id, bool_or(targeted) as targeted from wanted group by 1)
        select r.reservation_id, r.tracking_id, r.exchange_id, r.order_id, r.lines::text as lines, found.targeted
        from found join reservation r using (reservation_id)`,
      values: [idsBy('reservation').filter(isUuid), idsBy('tracking'), idsBy('exchange'), [...reservationIds]],
    },
  ]);
  return rowsOf<FoundRow>(result);
}
