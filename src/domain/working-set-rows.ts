import type { OrderLineUse } from './eligibility.ts';
import type { Item } from './item.ts';
import type { ReachedMilestone } from './milestone.ts';
import type { Milestone } from './milestone-rules.ts';
import type { Notification } from './notification.ts';
import type { Reservation } from './reservation.ts';
import type { RuleSet } from './rule-book.ts';
import type { Warehouse } from './sourcing.ts';
import type { StockLevel } from './stock-level.ts';
import type { UnitRows } from './stock-units.ts';
import type { PoolVictims } from './victims.ts';
import type { WaitlistEntry } from './waitlist.ts';
import type { ExchangeState } from './working-set.ts';

/** What one unit of work has read under its locks. */
export interface WorkingSetRows {
  readonly now: number;
  readonly ruleSet: RuleSet;
  /** The newest rule version, in force or not; null where no command makes another. */
  readonly newestRules: number | null;
  /** The versions by which the locked reservations were decided, where a command follows them. */
  readonly earlierRules: readonly RuleSet[];
  readonly warehouses: readonly Warehouse[];
  readonly items: ReadonlyMap<string, Item>;
  /** SKUs by item id, of the ids that commands name; absent where none does. */
  readonly skusByItemId?: ReadonlyMap<string, string>;
  /** Every SKU whose pools are locked, whether it has any or not. */
  readonly skus: ReadonlySet<string>;
  /** Those of them that the commands themselves are about: their queues are served before anything is decided. */
  readonly wantedSkus: readonly string[];
  /** What waits for the locked SKUs; of a very long queue only its beginning. */
  readonly waiting: readonly WaitlistEntry[];
  readonly pools: readonly StockLevel[];
  readonly reservations: readonly Reservation[];
  /** Serial units, where a locked item has them. */
  readonly units?: UnitRows;
  readonly exchanges: readonly ExchangeState[];
  /** Milestones of the locked reservations, by reservation id; null where no command asks for them. */
  readonly milestones: ReadonlyMap<string, readonly ReachedMilestone[]> | null;
  /** Milestones reported of exchanges, by exchange id; null where no command of the unit can ask for them. */
  readonly reported: ReadonlyMap<string, ReadonlySet<Milestone>> | null;
  /** Those that commands name. */
  readonly notifications: readonly Notification[];
  readonly orderLines: readonly OrderLineUse[];
  /** Live reservations of each locked customer, without what is past its deadline. */
  readonly liveCounts: ReadonlyMap<string, number>;
  /** By {@link poolKey}, of the pools whose lines may lack units; those lines are among the reservations. */
  readonly victims: ReadonlyMap<string, PoolVictims>;
  /** Sum of on hand changes after a count's own time, by {@link poolKey} and that time. */
  readonly movedSince: ReadonlyMap<string, number>;
}
