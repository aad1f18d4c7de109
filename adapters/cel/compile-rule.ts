import { type CelInput, isCelError, parse, plan } from '@bufbuild/cel';
import type { CompileFailure, CompileRule, EvaluationFailure, ExchangeCase } from '../../src/domain/eligibility.ts';
import { bindingsOf } from './case-bindings.ts';
import { checkExpression, ExpressionProblem } from './check-expression.ts';
import { ENVIRONMENT } from './environment.ts';
import { isScalar, nameOf } from './shapes.ts';

/** The longest expression, in characters. */
const EXPRESSION_LENGTH_MAX = 4_000;

/** Steps an expression may take at most, over every case there can be. */
const EXPRESSION_COST_MAX = 5_000;

/** The longest reason why a rule could not tell. */
const FAILURE_LENGTH_MAX = 200;

type Run = (bindings: Record<string, CelInput>) => unknown;

interface Program {
  readonly cost: number;
  readonly run: Run;
}

/** Compiles an expression once, or says where and why it is none that can be asked. Never throws. */
export const compileRule: CompileRule = (rule) => {
  const program = programOf(rule.expression);
  if ('problem' in program) return program;
  const { cost, run } = program;
  return { rule, cost, allows: (asked, now) => evaluate(run, asked, now) };
};

function programOf(expression: string): Program | CompileFailure {
  if (expression.length > EXPRESSION_LENGTH_MAX) {
    return failureAt(expression, EXPRESSION_LENGTH_MAX, `has more than ${EXPRESSION_LENGTH_MAX} characters`);
  }
  const parsed = parseOrFail(expression);
  if ('problem' in parsed) return parsed;
  try {
    if (parsed.expr === undefined) return failureAt(expression, 0, 'is empty');
    const { shape, cost } = checkExpression(parsed.expr);
    if (!isScalar(shape, 'bool')) return failureAt(expression, 0, `is ${nameOf(shape)}, not true or false`);
    if (cost > EXPRESSION_COST_MAX) {
      return failureAt(expression, 0, `may take ${cost} steps, more than ${EXPRESSION_COST_MAX}`);
    }
    return { cost, run: plan(ENVIRONMENT, parsed) as Run };
  } catch (error) {
    const offset = error instanceof ExpressionProblem ? parsed.sourceInfo?.positions[String(error.at)] : undefined;
    return failureAt(expression, offset ?? 0, messageOf(error));
  }
}

/** Where the parser gives up it tells the place; where it has too little stack for so many brackets it cannot. */
function parseOrFail(expression: string): ReturnType<typeof parse> | CompileFailure {
  try {
    return parse(expression);
  } catch (error) {
    const start = (error as { location?: { start?: { offset?: number } } }).location?.start;
    return failureAt(expression, start?.offset ?? 0, messageOf(error).replace(/^<input>:\d+:\d+: /, ''));
  }
}

function failureAt(expression: string, offset: number, problem: string): CompileFailure {
  const before = expression.slice(0, offset).split('\n');
  return { problem: cut(problem), line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Anything but true and false is a failure of the rule, which the exchange is refused by and the service survives. */
function evaluate(run: Run, asked: ExchangeCase, now: number): boolean | EvaluationFailure {
  try {
    const value = run(bindingsOf(asked, now) as unknown as Record<string, CelInput>);
    if (typeof value === 'boolean') return value;
    return { failure: cut(isCelError(value) ? value.message : 'neither true nor false') };
  } catch (error) {
    return { failure: cut(messageOf(error)) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function cut(text: string): string {
  return text.length > FAILURE_LENGTH_MAX ? `${text.slice(0, FAILURE_LENGTH_MAX)}…` : text;
}
