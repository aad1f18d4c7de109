import type { ReachedMilestone } from './milestone.ts';
import type { Milestone } from './milestone-rules.ts';
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
  readonly #reported: Map<string, Set<Milestone>> | null;

  /**
   * @param reached by reservation id; null where the unit has not read them
   * @param reported by exchange id; null where the unit has not read them
   */
  constructor(
    reached: ReadonlyMap<string, readonly ReachedMilestone[]> | null,
    reported: ReadonlyMap<string, ReadonlySet<Milestone>> | null,
  ) {
    this.#reached = reached === null ? null : new Map([...reached].map(([id, list]) => [id, [...list]]));
    this.#reported = reported === null ? null : new Map([...reported].map(([id, set]) => [id, new Set(set)]));
  }

  reachedBy(reservationId: string): readonly ReachedMilestone[] {
    assertInvariant(this.#reached !== null, 'milestones must be read to be followed');
    return this.#reached.get(reservationId) ?? [];
  }

  /** What was reported of an exchange, whatever reservation it had by then, and also where it had none. */
  reportedOf(exchangeId: string): ReadonlySet<Milestone> {
    assertInvariant(this.#reported !== null, 'milestones must be read where a pick may await one');
    return this.#reported.get(exchangeId) ?? new Set();
  }

  /** Keeps a report; of one milestone of one reservation the first stands. */
  add(report: MilestoneReport): void {
    const { exchangeId, reservationId, milestone, occurredAt } = report;
    const reached = reservationId === null ? [] : this.reachedBy(reservationId);
    if (reached.some((one) => one.milestone === milestone)) return;
    if (reservationId !== null) this.#reached?.set(reservationId, [...reached, { milestone, occurredAt }]);
    this.#reported?.set(exchangeId, new Set([...this.reportedOf(exchangeId), milestone]));
    this.added.push(report);
  }
}
