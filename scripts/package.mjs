// npm run package:deb [DIRECTORY]       mozzie_VERSION_ARCH.deb, and mozzie-mosquitto-clients: its tools by mosquitto's names
// npm run package:tarball [DIRECTORY]   mozzie-VERSION-linux-ARCH.tar.gz: all of it with this Node, for machines without npm
// Needs a built checkout with its packages (npm ci, npm run build); the first needs dpkg-deb.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root } from './setup.mjs'

const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const TOOLS = ['pub', 'sub', 'rr', 'passwd']
const NODE_VERSION_MIN = '20.19'
/** What a package has beside its code. */
const NO_CODE =
  /\.(?:md|markdown|ts|map|tsbuildinfo)$|^\/(?:tests?|docs?|examples?|\.github)(?:\/|$)/i

function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
  })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

function write(path, content, mode = 0o644) {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, content)
  chmodSync(path, mode)
}

function copy(from, to, keep = () => true) {
  mkdirSync(join(to, '..'), { recursive: true })
  cpSync(join(root, from), to, { recursive: true, filter: keep })
}

/** Packages that run at the user's, as paths below the root. */
function productionPackages() {
  return output('npm', ['ls', '--omit=dev', '--all', '--parseable'])
    .split('\n')
    .map((path) => relative(root, path))
    .filter((path) => path.startsWith('node_modules') && existsSync(join(root, path)))
    .filter((path) => basename(path) !== 'mozzie-web')
}

/** Prebuilt code is of one system each. */
function isOfThisSystem(path) {
  const found = /\/prebuilds\/([a-z]+\d*)-([a-z0-9]+)/.exec(path.split(sep).join('/'))
  return found === null || (found[1] === process.platform && found[2].includes(process.arch))
}

/** The program with its packages. */
function putProgram(directory) {
  for (const part of ['package.json', 'LICENSE', 'bin', 'dist']) copy(part, join(directory, part))
  for (const path of productionPackages()) {
    const start = join(root, path).length
    copy(path, join(directory, path), (file) => {
      const inside = file.slice(start)
      return (
        isOfThisSystem(file) &&
        !inside.startsWith(`${sep}node_modules`) &&
        !NO_CODE.test(inside.split(sep).join('/'))
      )
    })
  }
}

function completions(shell) {
  return output(process.execPath, ['bin/mozzie', 'completions', shell])
}

function putSystemFiles(tree) {
  const share = join(tree, 'usr', 'share')
  for (const name of readdirSync(join(root, 'packaging', 'man'))) {
    const section = name.at(-1)
    const page = readFileSync(join(root, 'packaging', 'man', name))
    write(join(share, 'man', `man${section}`, `${name}.gz`), gzipSync(page, { level: 9 }))
  }
  write(join(share, 'bash-completion', 'completions', 'mozzie'), completions('bash'))
  write(join(share, 'zsh', 'vendor-completions', '_mozzie'), completions('zsh'))
  write(join(share, 'fish', 'vendor_completions.d', 'mozzie.fish'), completions('fish'))
  copy('LICENSE', join(share, 'doc', 'mozzie', 'copyright'))
  copy('README.md', join(share, 'doc', 'mozzie', 'README.md'))
  copy('docs', join(share, 'doc', 'mozzie', 'docs'))
  for (const name of ['mozzie.conf', 'mosquitto.conf.full'])
    copy(`packaging/${name}`, join(share, 'doc', 'mozzie', 'examples', name))
  copy('packaging/mozzie.service', join(tree, 'lib', 'systemd', 'system', 'mozzie.service'))
  copy('packaging/mozzie.logrotate', join(tree, 'etc', 'logrotate.d', 'mozzie'))
  copy('packaging/debian/mozzie.conf', join(tree, 'etc', 'mozzie', 'mozzie.conf'))
  mkdirSync(join(tree, 'etc', 'mozzie', 'conf.d'))
}

function link(tree, name, target) {
  mkdirSync(join(tree, 'usr', 'bin'), { recursive: true })
  symlinkSync(target, join(tree, 'usr', 'bin', name))
}

function control(fields, text) {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return `${lines.join('\n')}\nMaintainer: Mozzie <mozzie@localhost>\nSection: net\nPriority: optional\nDescription: ${description}\n ${text}\n`
}

function buildDeb(tree, name, architecture, target) {
  const file = join(target, `${name}_${version}_${architecture}.deb`)
  output('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file])
  console.log(file)
}

function packageDeb(scratch, target) {
  const architecture = output('dpkg', ['--print-architecture']).trim()
  const tree = join(scratch, 'mozzie')
  putProgram(join(tree, 'usr', 'lib', 'mozzie'))
  putSystemFiles(tree)
  link(tree, 'mozzie', '../lib/mozzie/bin/mozzie')
  for (const tool of TOOLS) link(tree, `mozzie_${tool}`, '../lib/mozzie/bin/mozzie')
  for (const script of ['postinst', 'prerm', 'postrm'])
    write(
      join(tree, 'DEBIAN', script),
      readFileSync(join(root, 'packaging', 'debian', script)),
      0o755,
    )
  write(join(tree, 'DEBIAN', 'conffiles'), '/etc/mozzie/mozzie.conf\n/etc/logrotate.d/mozzie\n')
  const depends = `nodejs (>= ${NODE_VERSION_MIN}), adduser`
  const fields = {
    Package: 'mozzie',
    Version: version,
    Architecture: architecture,
    Depends: depends,
  }
  write(
    join(tree, 'DEBIAN', 'control'),
    control(fields, 'Broker, command-line tools and a graphical client in the browser.'),
  )
  buildDeb(tree, 'mozzie', architecture, target)

  const links = join(scratch, 'links')
  for (const tool of TOOLS) link(links, `mosquitto_${tool}`, '../lib/mozzie/bin/mozzie')
  const clients = 'mozzie-mosquitto-clients'
  write(
    join(links, 'DEBIAN', 'control'),
    control(
      {
        Package: clients,
        Version: version,
        Architecture: 'all',
        Depends: `mozzie (= ${version})`,
        Conflicts: 'mosquitto-clients, mosquitto',
      },
      'The tools of mozzie by the names of those of mosquitto.',
    ),
  )
  buildDeb(links, clients, 'all', target)
}

const LAUNCHER = `#!/bin/sh
# Runs with the Node beside it.
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/lib/bin/mozzie" "$@"
`

function packageTarball(scratch, target) {
  const name = `mozzie-${version}-${process.platform}-${process.arch}`
  const tree = join(scratch, name)
  putProgram(join(tree, 'lib'))
  cpSync(process.execPath, join(tree, 'node'))
  write(join(tree, 'mozzie'), LAUNCHER, 0o755)
  for (const part of ['README.md', 'README.zh-CN.md', 'LICENSE', 'docs', 'packaging'])
    copy(part, join(tree, part))
  const file = join(target, `${name}.tar.gz`)
  output('tar', ['--owner=0', '--group=0', '-C', scratch, '-czf', file, name])
  console.log(file)
}

const [kind, target = 'dist-packages'] = process.argv.slice(2)
const builders = { deb: packageDeb, tarball: packageTarball }
if (!Object.hasOwn(builders, kind)) throw new Error('say deb or tarball')
process.chdir(root)
process.umask(0o022)
mkdirSync(target, { recursive: true })
const scratch = mkdtempSync(join(tmpdir(), 'mozzie-package-'))
try {
  builders[kind](scratch, target)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
