import type { KeptRequest } from './asked-request.ts';
import { type ExplainedStep, NO_POOL } from './explanation.ts';
import { RE_SOURCED } from './re-source.ts';
import { lackingUnits, type Reservation, type ReservationLine } from './reservation.ts';
import type { SeenPool } from './seen-pools.ts';

/** One event of a reservation, as far as it tells of shortages. */
export interface ToldChange {
  readonly kind: string;
  readonly reason: string;
  readonly after: Reservation;
  /** The pools as the change saw them, where it chose among some. */
  readonly seen: readonly SeenPool[];
  /** What the request that made the reservation said; null where the event keeps none. */
  readonly asked: KeptRequest | null;
}

/**
 * What a reservation lost by shortages, which warehouses were asked for it, and what is held there instead.
 * @param changes its events without gaps, oldest first, beginning with the one that made it
 */
export function explainCures(changes: readonly ToldChange[]): ExplainedStep[] {
  return changes.flatMap((change, at) => {
    const before = changes[at - 1]?.after;
    if (before === undefined) return [];
    if (change.kind === 'short') return [...lossesIn(before, change.after), ...asked(change)];
    return change.reason === RE_SOURCED ? served(before, change) : [];
  });
}

function lossesIn(before: Reservation, after: Reservation): ExplainedStep[] {
  return after.lines.flatMap(({ lineNumber, sku, allocations }) =>
    allocations.flatMap((part): ExplainedStep[] => {
      const { warehouse, reserved } = part;
      const lost = lackingUnits(part) - lackingIn(before, lineNumber, warehouse);
      if (lost <= 0) return [];
      const outcome = `line ${lineNumber}: ${lost} of the ${reserved} held are not there`;
      return [{ ...NO_POOL, step: 'shortage', sku, warehouse, outcome }];
    }),
  );
}

function asked({ seen }: ToldChange): ExplainedStep[] {
  return seen.map(([sku, warehouse, available, version]) => ({
    step: 're-source',
    sku,
    warehouse,
    available,
    version,
    outcome: available > 0 ? 'asked; who was promised first is served first' : 'asked; nothing available',
  }));
}

function served(before: Reservation, { after, seen }: ToldChange): ExplainedStep[] {
  return seen.flatMap(([sku, warehouse, available, version]) =>
    after.lines.flatMap((line): ExplainedStep[] => {
      const known = before.lines.find(({ lineNumber }) => lineNumber === line.lineNumber);
      const units = heldIn(line, warehouse) - heldIn(known, warehouse);
      if (line.sku !== sku || units <= 0) return [];
      return [
        { step: 're-source', sku, warehouse, available, version, outcome: `line ${line.lineNumber}: takes ${units}` },
      ];
    }),
  );
}

function heldIn(line: ReservationLine | undefined, warehouse: string): number {
  return line?.allocations.find((part) => part.warehouse === warehouse)?.reserved ?? 0;
}

function lackingIn({ lines }: Reservation, lineNumber: number, warehouse: string): number {
  const line = lines.find((one) => one.lineNumber === lineNumber);
  const part = line?.allocations.find((one) => one.warehouse === warehouse);
  return part === undefined ? 0 : lackingUnits(part);
}
