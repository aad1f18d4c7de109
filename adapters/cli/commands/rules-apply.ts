import { create } from '@bufbuild/protobuf';
import type { SingleBar } from 'cli-progress';
import type { ReservationState } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import { type ApplyRulesResponse, ApplyRulesResponseSchema } from '../../../src/gen/earmark/v1/rule_service_pb.ts';
import { UsageError } from '../failures.ts';
import { startProgress } from '../progress-bar.ts';
import { answer, type Session } from '../session.ts';
import { printable } from '../table.ts';

/** Reservations one call looks at, so that no commit takes long and the progress bar moves. */
const RESERVATIONS_PER_CALL = 100;

/** Reservations left as they are that are printed. */
const LEFT_SHOWN_MAX = 20;

export interface ApplyOptions {
  readonly reason: string;
  readonly reservation: readonly string[];
  readonly state: readonly ReservationState[];
  readonly sku: string;
  readonly warehouse: string;
}

/**
 * Applies the rules in force to what was chosen, page by page, each in one commit. What was done stays done where it
 * breaks off; to begin again does no harm.
 * @throws UsageError where nothing was chosen
 */
export async function applyRules(session: Session, options: ApplyOptions): Promise<void> {
  const { reason, reservation, state, sku, warehouse } = options;
  if (reservation.length + state.length + sku.length + warehouse.length === 0) {
    throw new UsageError('choose with --reservation, --state, --sku or --warehouse');
  }
  const choice = { reason, reservationIds: [...reservation], states: [...state], sku, warehouse };
  const sum = create(ApplyRulesResponseSchema);
  let changed = 0;
  let bar: SingleBar | undefined;
  try {
    do {
      const page = await session.rules.applyRules({
        ...choice,
        requestId: session.newId(),
        pageSize: RESERVATIONS_PER_CALL,
        pageToken: sum.nextPageToken,
      });
      if (session.isJson) await answer(session, ApplyRulesResponseSchema, page, () => '');
      bar ??= startProgress(session, 'applying', 'reservations', totalOf(page));
      changed += page.reservations.length;
      add(sum, page);
      bar?.update(Number(sum.reservationsChecked));
    } while (sum.nextPageToken !== '' && !session.interruption.signal.aborted);
  } finally {
    bar?.stop();
  }
  if (!session.isJson) await session.terminal.write(`${formatApplied(sum, changed)}\n`);
}

function totalOf({ reservationsChecked, reservationsRemaining }: ApplyRulesResponse): number {
  return Number(reservationsChecked + reservationsRemaining);
}

function add(sum: ApplyRulesResponse, page: ApplyRulesResponse): void {
  sum.reservationsChecked += page.reservationsChecked;
  sum.ruleVersion = page.ruleVersion;
  sum.nextPageToken = page.nextPageToken;
  sum.left.push(...page.left);
}

/** How many changed, then what was left as it is, and why. */
export function formatApplied(sum: ApplyRulesResponse, changed: number): string {
  const shown = sum.left
    .slice(0, LEFT_SHOWN_MAX)
    .map(({ trackingId, reason, refusal }) =>
      printable(`  ${trackingId}: ${refusal === undefined ? reason : `${refusal.reason}: ${reason}`}`),
    );
  const more = sum.left.length - shown.length;
  return [
    `version ${sum.ruleVersion} applied: ${changed} of ${sum.reservationsChecked} reservations changed`,
    ...(shown.length === 0 ? [] : ['left as they are', ...shown]),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}
