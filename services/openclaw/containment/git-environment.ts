/**
 * What git is told above any repository's own configuration, which is data of the sandbox: a file there must not name
 * programs to start. Not even a folder that only looks like a repository is one: file.write can make it.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  'safe.directory': '*',
  'safe.bareRepository': 'explicit',
  // Showing a signature starts the program that checks it.
  'log.showSignature': 'false',
  'format.pretty': 'medium',
  'gpg.program': '/usr/bin/false',
  'gpg.openpgp.program': '/usr/bin/false',
  'gpg.x509.program': '/usr/bin/false',
  'gpg.ssh.program': '/usr/bin/false',
  'protocol.allow': 'never',
}

export const GIT_ENVIRONMENT: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_NO_LAZY_FETCH: '1',
  GIT_PAGER: 'cat',
  GIT_CONFIG_COUNT: String(Object.keys(SETTINGS).length),
  ...Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([key, value], at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]),
  ),
}
