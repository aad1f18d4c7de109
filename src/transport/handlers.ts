import type { CompileRule } from '../domain/eligibility.ts';
import type { DecisionReader } from '../ports/decision-reader.ts';
import type { Equivalents } from '../ports/equivalents.ts';
import type { EventReader } from '../ports/event-reader.ts';
import type { AvailabilityFeed, ReservationFeed } from '../ports/feeds.ts';
import type { KpiReader } from '../ports/kpi-reader.ts';
import type { LedgerAuditor } from '../ports/ledger-auditor.ts';
import type { Notifications } from '../ports/notifications.ts';
import type { PastCases } from '../ports/past-cases.ts';
import type { Refusals } from '../ports/refusals.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { Shortages } from '../ports/shortages.ts';
import type { WaitlistReader } from '../ports/waitlist-reader.ts';
import type { WantedItems } from '../ports/wanted-items.ts';
import type { Ids, ReservationReader, StockReader, UnitOfWork } from '../ports.ts';
import { auditHandlers } from './audit-handlers.ts';
import { availabilityHandlers } from './availability-handlers.ts';
import { explanationHandlers } from './explanation-handlers.ts';
import { kpiHandlers } from './kpi-handlers.ts';
import { moveHandlers } from './move-handlers.ts';
import { notificationHandlers } from './notification-handlers.ts';
import { reservationReadHandlers } from './reservation-read-handlers.ts';
import { reserveHandlers } from './reserve-handlers.ts';
import { resolutionHandlers } from './resolution-handlers.ts';
import type { Rpc } from './rpc.ts';
import { buildRpcTable } from './rpc-table.ts';
import { ruleHandlers } from './rule-handlers.ts';
import { shortageHandlers } from './shortage-handlers.ts';
import { simulationHandlers } from './simulation-handlers.ts';
import { stockHandlers } from './stock-handlers.ts';

/** What the handlers need of the rest of the service. */
export interface HandlerDeps {
  readonly unitOfWork: UnitOfWork;
  readonly ids: Ids;
  readonly reservations: ReservationReader;
  readonly events: EventReader;
  readonly decisions: DecisionReader;
  readonly refusals: Refusals;
  readonly notifications: Notifications;
  readonly shortages: Shortages;
  readonly waitlist: WaitlistReader;
  readonly cases: PastCases;
  readonly stock: StockReader;
  readonly ledger: LedgerAuditor;
  readonly kpis: KpiReader;
  readonly availabilityFeed: AvailabilityFeed;
  readonly reservationFeed: ReservationFeed;
  readonly rules: RulesReader;
  readonly wantedItems: WantedItems;
  readonly equivalents: Equivalents;
  readonly compileRule: CompileRule;
}

/** Every RPC of every service, ready for both doors. */
export function createRpcs(deps: HandlerDeps): readonly Rpc[] {
  return buildRpcTable([
    ...reserveHandlers(deps),
    ...resolutionHandlers(deps),
    ...moveHandlers(deps),
    ...explanationHandlers(deps),
    ...reservationReadHandlers(deps),
    ...availabilityHandlers(deps),
    ...stockHandlers(deps),
    ...ruleHandlers(deps),
    ...simulationHandlers(deps),
    ...auditHandlers(deps),
    ...notificationHandlers(deps),
    ...shortageHandlers(deps),
    ...kpiHandlers(deps),
  ]);
}
