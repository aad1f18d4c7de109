import type { ReachedMilestone } from './milestone.ts';
import { assertInvariant } from './refusal.ts';
import type { Cause } from './working-set.ts';

/** One report of a milestone, to be kept for good. */
export interface MilestoneReport extends ReachedMilestone {
  readonly exchangeId: string;
  /** Null where the exchange never had a reservation. */
  readonly reservationId: string | null;
  /** Whether anything followed from it. */
  readonly applied: boolean;
  readonly cause: Cause;
}

/** The milestones as one unit of work reads and adds to them. */
export class MilestoneLog {
  readonly added: MilestoneReport[] = [];
  readonly #reached: Map<string, ReachedMilestone[]> | null;

  /** @param reached by reservation id; null where the unit has not read them */
  constructor(reached: ReadonlyMap<string, readonly ReachedMilestone[]> | null) {
    this.#reached = reached === null ? null : new Map([...reached].map(([id, list]) => [id, [...list]]));
  }

  reachedBy(reservationId: string): readonly ReachedMilestone[] {
    assertInvariant(this.#reached !== null, 'milestones must be read to be followed');
    return this.#reached.get(reservationId) ?? [];
  }

  /** Keeps a report; of one milestone of one reservation the first stands. */
  add(report: MilestoneReport): void {
    const { reservationId, milestone, occurredAt } = report;
    const reached = reservationId === null ? [] : this.reachedBy(reservationId);
    if (reached.some((one) => one.milestone === milestone)) return;
    if (reservationId !== null) this.#reached?.set(reservationId, [...reached, { milestone, occurredAt }]);
    this.added.push(report);
  }
}
