import { chainOf, isNode, lineOf, type SourceFile, type SyntaxNode, stringsOf } from './source-file.ts';

export const FILE_LINES_MAX = 300;
export const FUNCTION_LINES_MAX = 70;

const FORBIDDEN_NAMES = /(^|[-/.])(utils?|helpers?|commons?|managers?)([-/.]|$)/;
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const ENTRY_FILES = /^adapters\/(cli|wms-simulator)\//;
const ROW_LOCKS = /\bfor (no key )?update\b|\bfor (key )?share\b|advisory/i;
const ROW_LOCK_FILES = ['src/persistence/locks.ts', 'src/persistence/migrate.ts', 'src/persistence/session-lock.ts'];
const TRANSACTIONS = /^\s*(begin|commit|rollback)\b|;\s*(begin|commit|rollback)\b|^\s*start transaction\b/i;
const TRANSACTION_FILES = /^src\/persistence\/(unit|load|unit-of-work|ledger-auditor[a-z-]*|ledger\/snapshot)\.ts$/;
const FORBIDDEN_IN_DOMAIN =
  /^(Date\.now|Math\.random|performance\.|process\b|crypto\b|setTimeout|setInterval|setImmediate|queueMicrotask|fetch$)/;

/** Waiting, clocks and randomness in the domain, which must be pure. */
export function checkPurity(file: SourceFile): string[] {
  if (!file.path.startsWith('src/domain/')) return [];
  return file.nodes.flatMap((node) => {
    const what = impurityOf(node);
    return what === null ? [] : [`${file.path}:${lineOf(file, node)} uses ${what}`];
  });
}

function impurityOf(node: SyntaxNode): string | null {
  if (node.type === 'AwaitExpression' || (FUNCTIONS.has(node.type) && node.async === true)) return 'await';
  const isDate = (node.type === 'NewExpression' || node.type === 'CallExpression') && chainOf(node.callee) === 'Date';
  if (isDate && Array.isArray(node.arguments) && node.arguments.length === 0) return 'the clock';
  if (node.type === 'MemberExpression') return FORBIDDEN_IN_DOMAIN.exec(chainOf(node))?.[0] ?? null;
  return node.type === 'CallExpression' ? (FORBIDDEN_IN_DOMAIN.exec(chainOf(node.callee))?.[0] ?? null) : null;
}

/** Reads of the environment outside the one reader, command lines and simulators excepted. */
export function checkEnvironment(file: SourceFile): string[] {
  const isProduct = file.path.startsWith('src/') || file.path.startsWith('adapters/');
  if (!isProduct || file.path === 'src/config.ts' || ENTRY_FILES.test(file.path)) return [];
  return file.nodes
    .filter((node) => node.type === 'MemberExpression' && chainOf(node) === 'process.env')
    .map((node) => `${file.path}:${lineOf(file, node)} reads process.env`);
}

/** Default exports, files that only pass on what others export, and names that say nothing. */
export function checkModule(file: SourceFile): string[] {
  const found: string[] = [];
  const isDefault = (node: SyntaxNode) => node.type === 'ExportDefaultDeclaration';
  if (file.body.some(isDefault) && !/^vitest[a-z.]*\.config\.ts$/.test(file.path)) {
    found.push(`${file.path} has a default export`);
  }
  const exports = file.body.filter((node) => node.type.startsWith('Export'));
  const rest = file.body.filter((node) => !node.type.startsWith('Export') && node.type !== 'ImportDeclaration');
  const passesOn = (node: SyntaxNode) => node.type === 'ExportAllDeclaration' || node.declaration === null;
  if (exports.length > 0 && rest.length === 0 && exports.every(passesOn)) found.push(`${file.path} is a barrel`);
  return found;
}

export function checkFileName(path: string): string[] {
  const isSource = /\.tsx?$/.test(path) && !path.startsWith('src/gen/');
  const found = FORBIDDEN_NAMES.test(path) ? [`${path} has a name that says nothing`] : [];
  const isKebab = path.split('/').every((part) => /^\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(part));
  return isSource && !isKebab ? [...found, `${path} is not in kebab case`] : found;
}

/** Files and functions that are too long to be read at once. */
export function checkLength(file: SourceFile): string[] {
  const lines = file.text.trimEnd().split('\n').length;
  const found = lines > FILE_LINES_MAX ? [`${file.path} has ${lines} lines`] : [];
  const isSuite = (node: SyntaxNode) => file.path.includes('.test.') && isSuiteBody(file, node);
  const long = file.nodes
    .filter((node) => FUNCTIONS.has(node.type) && !isSuite(node))
    .flatMap((node) => {
      const length = lineOf(file, { ...node, start: node.end }) - lineOf(file, node) + 1;
      return length > FUNCTION_LINES_MAX
        ? [`${file.path}:${lineOf(file, node)} has a function of ${length} lines`]
        : [];
    });
  return [...found, ...long];
}

/** The callback of a `describe` lists tests; it is no function to be understood at once. */
function isSuiteBody(file: SourceFile, body: SyntaxNode): boolean {
  return file.nodes.some(
    (node) =>
      node.type === 'CallExpression' &&
      Array.isArray(node.arguments) &&
      node.arguments.includes(body) &&
      /^describe\b/.test(chainOf(node.callee) || (isNode(node.callee) ? chainOf(node.callee.callee) : '')),
  );
}

/** Row locks and transactions in the SQL of files that may have none. */
export function checkStatements(file: SourceFile): string[] {
  if (!file.path.startsWith('src/') || file.path.startsWith('src/gen/')) return [];
  return stringsOf(file).flatMap((text) => {
    const found: string[] = [];
    if (ROW_LOCKS.test(text) && !ROW_LOCK_FILES.includes(file.path))
      found.push(`${file.path} takes a row lock: ${brief(text)}`);
    if (TRANSACTIONS.test(text) && !TRANSACTION_FILES.test(file.path))
      found.push(`${file.path} ends or begins a transaction: ${brief(text)}`);
    return found;
  });
}

function brief(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 60);
}
