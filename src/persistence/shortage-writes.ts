import type { ShortageRecord, Victim } from '../domain/shortage-record.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Ids } from '../ports.ts';
import { instant, type Statement } from './statements.ts';

/** The records of shortages as the unit leaves them; nothing where no pool is or was short. */
export function shortageStatements({ shortages, now }: WorkingSet, ids: Ids): Statement[] {
  const records = [...shortages.records.values()].flat();
  const open = records.filter((record) => !record.isNew);
  const opened = records.filter((record) => record.isNew).map((record) => ({ record, id: ids.uuid() }));
  return [
    // Those that were open come first, since a pool may close one and open the next in the same unit.
    ...when(open, () => [...victimsOfOpen(open), updateOpen(open, now)]),
    ...when(opened, () => [insertOpened(opened, now), ...victimsOfOpened(opened)]),
    ...when([...shortages.unsettled], (unsettled) => [keepUnsettled(unsettled)]),
  ];
}

function when<T>(rows: readonly T[], make: (rows: readonly T[]) => Statement[]): Statement[] {
  return rows.length === 0 ? [] : make(rows);
}

const KEEP_MOST =
  'on conflict (shortage_id, reservation_id, line_number) do update set quantity = excluded.quantity where v.quantity < excluded.quantity';

function victimsOfOpen(open: readonly ShortageRecord[]): Statement[] {
  const rows = open.flatMap((record) => [...record.victims.values()].map((victim) => ({ record, victim })));
  return when(rows, () => [
    {
      name: 'insert-victims-of-open',
      text: `insert into shortage_victim as v (shortage_id, reservation_id, line_number, quantity)
        select s.shortage_id, w.reservation_id, w.line_number, w.quantity
        from unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::int[])
          as w (sku, warehouse, reservation_id, line_number, quantity)
        join shortage s on s.sku = w.sku and s.warehouse = w.warehouse and s.close_time is null
        ${KEEP_MOST}`,
      values: [
        rows.map(({ record }) => record.sku),
        rows.map(({ record }) => record.warehouse),
        ...victimValues(rows.map(({ victim }) => victim)),
      ],
    },
  ]);
}

function victimsOfOpened(opened: readonly { readonly record: ShortageRecord; readonly id: string }[]): Statement[] {
  const rows = opened.flatMap(({ record, id }) => [...record.victims.values()].map((victim) => ({ id, victim })));
  return when(rows, () => [
    {
      name: 'insert-victims',
      text: `insert into shortage_victim (shortage_id, reservation_id, line_number, quantity)
        select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[])`,
      values: [rows.map(({ id }) => id), ...victimValues(rows.map(({ victim }) => victim))],
    },
  ]);
}

function victimValues(victims: readonly Victim[]): unknown[] {
  return [
    victims.map((victim) => victim.reservationId),
    victims.map((victim) => victim.lineNumber),
    victims.map((victim) => victim.units),
  ];
}

function updateOpen(open: readonly ShortageRecord[], now: number): Statement {
  return {
    name: 'update-shortages',
    text: `update shortage s set quantity = w.quantity, most = greatest(s.most, w.most), unsettled = 0,
        cures_left = w.cures_left, close_time = case when w.quantity = 0 then ${instant('$5::float8')} end
      from unnest($1::text[], $2::text[], $3::int[], $4::int[], $6::bool[])
        as w (sku, warehouse, quantity, most, cures_left)
      where s.sku = w.sku and s.warehouse = w.warehouse and s.close_time is null`,
    values: [
      open.map((record) => record.sku),
      open.map((record) => record.warehouse),
      open.map((record) => record.quantity),
      open.map((record) => record.most),
      now,
      open.map((record) => record.curesLeft),
    ],
  };
}

function insertOpened(
  opened: readonly { readonly record: ShortageRecord; readonly id: string }[],
  now: number,
): Statement {
  return {
    name: 'insert-shortages',
    text: `insert into shortage (shortage_id, sku, warehouse, quantity, most, cures_left, open_time, close_time)
      select id, sku, warehouse, quantity, most, cures_left, ${instant('$6::float8')},
        case when quantity = 0 then ${instant('$6::float8')} end
      from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $7::bool[])
        as w (id, sku, warehouse, quantity, most, cures_left)`,
    values: [
      opened.map(({ id }) => id),
      opened.map(({ record }) => record.sku),
      opened.map(({ record }) => record.warehouse),
      opened.map(({ record }) => record.quantity),
      opened.map(({ record }) => record.most),
      now,
      opened.map(({ record }) => record.curesLeft),
    ],
  };
}

/** What is left to choose or to give back stands on the newest record of the pool alone. */
function keepUnsettled(unsettled: readonly (readonly [string, number])[]): Statement {
  const pools = unsettled.map(([key]) => key.split('\u0000'));
  return {
    name: 'keep-unsettled',
    text: `with newest as (
        select n.shortage_id, w.sku, w.warehouse, w.unsettled
        from unnest($1::text[], $2::text[], $3::int[]) as w (sku, warehouse, unsettled)
        cross join lateral (select o.shortage_id from shortage o where o.sku = w.sku and o.warehouse = w.warehouse
          order by o.close_time is null desc, o.shortage_id desc limit 1) n)
      update shortage s set unsettled = case when s.shortage_id = newest.shortage_id then newest.unsettled else 0 end
      from newest where s.sku = newest.sku and s.warehouse = newest.warehouse
        and (s.unsettled <> 0 or s.shortage_id = newest.shortage_id)
        and s.unsettled is distinct from case when s.shortage_id = newest.shortage_id then newest.unsettled else 0 end`,
    values: [pools.map(([sku]) => sku), pools.map(([, warehouse]) => warehouse), unsettled.map(([, units]) => units)],
  };
}
