import { lackingUnits } from './reservation.ts';
import type { HeldPart } from './victims.ts';

/** A line that lacks units, and the most it lacked in this unit of work. */
export interface Victim {
  readonly reservationId: string;
  readonly lineNumber: number;
  readonly units: number;
}

/** The record of a shortage as one unit of work leaves it. */
export interface ShortageRecord {
  readonly sku: string;
  readonly warehouse: string;
  /** Opened in this unit; else it was open before. */
  readonly isNew: boolean;
  /** Units missing now, 0 once it is closed. */
  quantity: number;
  /** The most that were missing in this unit. */
  most: number;
  /** Whether there may be lines that other warehouses could serve and that were too many for this unit. */
  curesLeft: boolean;
  readonly victims: Map<string, Victim>;
}

/** Keeps of each line the most it lacked. */
export function keepVictims({ victims }: ShortageRecord, parts: readonly HeldPart[]): void {
  for (const { part, reservationId, lineNumber } of parts) {
    const units = lackingUnits(part);
    const id = `${reservationId}/${lineNumber}`;
    if (units > (victims.get(id)?.units ?? 0)) victims.set(id, { reservationId, lineNumber, units });
  }
}
