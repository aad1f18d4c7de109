import type { PoolClient } from 'pg';
import { FIRST_RULES } from '../domain/rules.ts';
import type { Answer, Command, Outcome } from '../ports.ts';
import type { KnownClaim } from './decide-unit.ts';
import { reservationAfter } from './event-body.ts';
import { claimKey } from './locks.ts';
import { bodyText, pipeline, rowsOf, type Statement } from './statements.ts';

interface ClaimRow {
  readonly principal: string;
  readonly method: string;
  readonly request_id: string;
  readonly content_hash: Buffer;
  readonly reservation_id: string | null;
  readonly answer: string | null;
  readonly body: string | null;
}

/** Reads the request ids that were claimed before, with the answers as first given. */
export async function readKnownClaims(
  client: PoolClient,
  commands: readonly Command[],
  claimed: ReadonlySet<string>,
): Promise<Map<string, KnownClaim>> {
  const known = commands.filter((command) => command.claim !== null && !claimed.has(claimKey(command)));
  if (known.length === 0) return new Map();
  const [result] = await pipeline(client, 'read claims', [
    {
      name: 'read-claims',
      text: `select c.principal, c.method, c.request_id, c.content_hash, c.reservation_id, c.answer::text as answer,
          ${bodyText('e.body')} as body
        from unnest($1::text[], $2::text[], $3::text[]) as wanted (principal, method, request_id)
        join request_claim c using (principal, method, request_id)
        left join audit_event e on e.reservation_id = c.reservation_id and e.version = c.reservation_version`,
      values: [
        known.map((command) => command.caller.principal),
        known.map((command) => command.claim?.method),
        known.map((command) => command.claim?.requestId),
      ],
    },
  ]);
  return new Map(
    rowsOf<ClaimRow & Record<string, unknown>>(result).map((row) => [
      `${row.principal}\u0000${row.method}\u0000${row.request_id}`,
      { contentHash: row.content_hash, answer: answerOf(row), reservationId: row.reservation_id },
    ]),
  );
}

/** An answer about a reservation is kept as its version: the audit event of that version holds it. */
function answerOf(row: ClaimRow): Answer {
  if (row.answer !== null) return completed(JSON.parse(row.answer) as Answer);
  return { kind: 'reservation', reservation: row.body === null ? null : reservationAfter(row.body) };
}

/** What was answered by a release that knew less of pools and rules: nothing of the rest was so then. */
function completed(answer: Answer): Answer {
  switch (answer.kind) {
    case 'stock':
      return { ...answer, levels: answer.levels.map((level) => ({ ...UNRULED, ...level })) };
    case 'rules':
      return { ...answer, rules: { ...FIRST_RULES, ...answer.rules } };
    default:
      return answer;
  }
}

const UNRULED = { saleReserved: 0, exchangeMinimum: 0, lowThreshold: 0, ruleVersion: 1 };

/** Keeps the answers of what succeeded and gives back the ids of what was refused or put back. */
export function settleClaims(
  outcomes: ReadonlyMap<Command, Outcome>,
  deferred: readonly Command[],
  claimed: ReadonlySet<string>,
): Statement[] {
  const done = new Map<string, { command: Command; answer: Answer }>();
  const freed = new Map<string, Command>();
  for (const command of deferred) freed.set(claimKey(command), command);
  for (const [command, outcome] of outcomes) {
    const key = claimKey(command);
    if (!claimed.has(key)) continue;
    if (!outcome.ok) freed.set(key, command);
    else if (!outcome.replayed && !done.has(key)) done.set(key, { command, answer: outcome.answer });
  }
  const gone = [...freed].filter(([key]) => claimed.has(key) && !done.has(key)).map(([, command]) => command);
  const firstOf = firstByKey([...outcomes.keys(), ...deferred]);
  const kept = [...done].filter(([key, { answer }]) => !isPrefilled(firstOf.get(key), answer)).map(([, one]) => one);
  return [...deleteClaims(gone), ...keepAnswers(kept)];
}

/** A claim is inserted with the reservation the first command of its key would make. */
function firstByKey(commands: readonly Command[]): Map<string, Command> {
  const first = new Map<string, Command>();
  for (const command of commands) if (!first.has(claimKey(command))) first.set(claimKey(command), command);
  return first;
}

function isPrefilled(first: Command | undefined, answer: Answer): boolean {
  return (
    answer.kind === 'reservation' &&
    answer.reservation?.version === 1 &&
    answer.reservation.reservationId === first?.claim?.newReservationId
  );
}

function deleteClaims(commands: readonly Command[]): Statement[] {
  if (commands.length === 0) return [];
  return [
    {
      name: 'delete-claims',
      text: `delete from request_claim c using unnest($1::text[], $2::text[], $3::text[]) as w (principal, method, request_id)
        where c.principal = w.principal and c.method = w.method and c.request_id = w.request_id`,
      values: keysOf(commands),
    },
  ];
}

/** The content is kept with the answer: the first command of the id may have been refused and another one answered. */
function keepAnswers(kept: readonly { readonly command: Command; readonly answer: Answer }[]): Statement[] {
  if (kept.length === 0) return [];
  const reservations = kept.map(({ answer }) => (answer.kind === 'reservation' ? answer.reservation : null));
  return [
    {
      name: 'keep-answers',
      text: `update request_claim c set content_hash = w.content_hash, reservation_id = w.reservation_id,
          reservation_version = w.version, answer = w.answer
        from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::uuid[], $6::int[], $7::json[])
          as w (principal, method, request_id, content_hash, reservation_id, version, answer)
        where c.principal = w.principal and c.method = w.method and c.request_id = w.request_id`,
      values: [
        ...keysOf(kept.map((one) => one.command)),
        kept.map(({ command }) => Buffer.from(command.claim?.contentHash ?? [])),
        reservations.map((reservation) => reservation?.reservationId ?? null),
        reservations.map((reservation) => reservation?.version ?? null),
        kept.map(({ answer }) => (answer.kind === 'reservation' ? null : JSON.stringify(answer))),
      ],
    },
  ];
}

function keysOf(commands: readonly Command[]): unknown[] {
  return [
    commands.map((command) => command.caller.principal),
    commands.map((command) => command.claim?.method ?? ''),
    commands.map((command) => command.claim?.requestId ?? ''),
  ];
}
