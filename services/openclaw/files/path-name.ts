import { ServiceError } from '#chassis/errors.ts'
import { refusal } from '../refusal.ts'

const PATH_BYTES_MAX = 4_096
const NAME_BYTES_MAX = 255

/** Where contained programs see the sandbox; tools accept it as another spelling of the root. */
export const SANDBOX_MOUNT = '/sandbox'

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
/** `file:`, `http:/` and other schemes of two letters or more; one letter is a drive, the rest are streams. */
const SCHEME = /^(?:file:|[A-Za-z][A-Za-z0-9+.-]+:[/\\])/i
const DRIVE = /^[A-Za-z]:/
const SANDBOX_DRIVE = /^[Ss]:[\\/]/
const HOME_OR_VARIABLE = /^(?:~|\$[A-Za-z_{(]|%[A-Za-z_]+%)/
/** Percent-encoded dot, slash, backslash, NUL, or the lead byte of an overlong UTF-8 form. */
const ENCODED = /%(?:25)*(?:2e|2f|5c|00|c0|c1|e0%80)/i

const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/
const GIT_SHORT_NAME = /^git~\d/

/**
 * Dot-files of version control, shells, editors, agents and allowed programs, and this system's own policy and
 * configuration.
 */
const PROTECTED_NAMES: ReadonlySet<string> = new Set(
  (
    '.git .gitconfig .gitmodules .gitattributes .hg .svn .bashrc .bash_profile .bash_login .bash_logout ' +
    '.bash_aliases .bash_history .profile .zshrc .zshenv .zprofile .zlogin .zlogout .kshrc .cshrc .tcshrc ' +
    '.login .logout .inputrc .env .envrc .netrc .npmrc .yarnrc .pypirc .curlrc .wgetrc .screenrc .tmux.conf ' +
    '.vimrc .exrc .emacs .nanorc .gdbinit .jq .pam_environment .xinitrc .xprofile .xsession .xsessionrc .ssh ' +
    '.gnupg .aws .azure .docker .kube .config .local .vscode .idea .claude .cursor .mcp.json .sonia sonia.json ' +
    'operator.key policies'
  ).split(' '),
)

export interface NamedRoot {
  /** Spellings of the root folder that absolute paths may begin with, without a trailing slash. */
  readonly prefixes: readonly string[]
}

/**
 * The components of a path below the sandbox root, by rule alone: nothing is looked up. `base` is where
 * relative paths start. Throws a refusal for whatever leaves the root or bears a name that is never served.
 */
export function parsePath(root: NamedRoot, path: string, base: readonly string[] = []): readonly string[] {
  if (path === '') throw new ServiceError('INVALID_ARGUMENT', 'The path is empty.')
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new ServiceError('INVALID_ARGUMENT', 'The path is too long.')
  if (INVISIBLE.test(path))
    throw refusal('PROTECTED_NAME', 'The path contains control or invisible characters.')
  refuseForeignForms(path)
  const { start, rest } = splitBase(root, path, base)
  const components = [...start]
  for (const name of rest.split('/')) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (components.pop() === undefined) throw outside()
      continue
    }
    refuseProtectedName(name)
    components.push(name)
  }
  return components
}

function outside(): ServiceError {
  return refusal('OUTSIDE_SANDBOX', 'The path lies outside the sandbox.')
}

/** Notations that some other layer would turn into a path elsewhere. */
function refuseForeignForms(path: string): void {
  if (ENCODED.test(path)) throw outside()
  if (SANDBOX_DRIVE.test(path)) return
  if (DRIVE.test(path) || SCHEME.test(path) || HOME_OR_VARIABLE.test(path)) throw outside()
}

function splitBase(root: NamedRoot, path: string, base: readonly string[]) {
  if (SANDBOX_DRIVE.test(path)) return { start: [], rest: path.slice(3).replaceAll('\\', '/') }
  if (!path.startsWith('/')) return { start: base, rest: path }
  for (const prefix of [...root.prefixes, SANDBOX_MOUNT]) {
    if (path === prefix) return { start: [], rest: '' }
    if (path.startsWith(`${prefix}/`)) return { start: [], rest: path.slice(prefix.length + 1) }
  }
  throw outside()
}

function refuseProtectedName(name: string): void {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw new ServiceError('INVALID_ARGUMENT', 'A name in the path is too long.')
  }
  // Compatibility forms (full-width letters, ligatures) compare equal on some file systems, so they are folded.
  const folded = name.normalize('NFKC').toLowerCase()
  if (isTraversal(folded)) throw outside()
  const bare = folded.replace(/[. ]+$/, '')
  if (bare !== folded || folded.startsWith(' ')) {
    throw refusal('PROTECTED_NAME', 'Names may not begin with a blank, or end with one or with a dot.')
  }
  const isRefused =
    /[:\\]/.test(folded) ||
    WINDOWS_DEVICE.test(folded) ||
    GIT_SHORT_NAME.test(folded) ||
    PROTECTED_NAMES.has(folded) ||
    folded.startsWith('.sonia-')
  if (isRefused) throw refusal('PROTECTED_NAME', 'The path contains a protected name.')
}

/** Also after folding, or in the other separator, a component must not climb. */
function isTraversal(folded: string): boolean {
  return folded.includes('/') || folded.split('\\').some((part) => part === '..')
}
