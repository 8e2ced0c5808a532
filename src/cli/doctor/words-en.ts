/** The doctor's findings in English: what is so, and the next command. */
export const WORDS_EN = {
  configNone: ['No configuration file: the broker listens on this machine alone.', ''],
  configWrong: [
    '{place}: {message}',
    'Mend that line; "mozzie --test-config -c {file}" looks again.',
  ],
  configUnreadable: ['{message}', 'ls -l {file}'],
  configRight: ['{files} can be read and is right.', ''],
  configWarning: ['{place}: {message}', ''],

  listenerOpen: [
    '{where} lets anybody in who reaches it: no password is asked.',
    'Unless that is meant: mozzie passwd -c FILE USER, then "password_file FILE" and "allow_anonymous false".',
  ],
  listenerLocal: ['{where} lets anybody in, from this machine alone.', ''],
  listenerClosed: [
    '{where} lets nobody in: anonymous clients are not allowed, and there is nothing to log in with.',
    'mozzie passwd -c FILE USER, then "password_file FILE"; or "allow_anonymous true".',
  ],
  listenerPlain: [
    '{where} asks for passwords, and they travel unencrypted.',
    'mozzie tls-init DIRECTORY makes certificates; "certfile" and "keyfile" use them.',
  ],
  listenerGood: ['{where}: {how}.', ''],
  listenerPage: ['{where}: the page and the API.', ''],

  accountUnknown: ['{message}', 'adduser --system --group --no-create-home {user}'],
  fileMissing: ['{option}: {file} does not exist.', ''],
  fileUnreadable: [
    '{option}: {file} cannot be read by {account}: {path} is in the way (mode {mode}, uid {owner}).',
    'Put the file where {account} may read it, such as a directory of its own; or let it pass {path}.',
  ],
  fileOnlyAtStart: [
    '{option}: {file} is read at a start as root, but kill -HUP as {account} cannot read it again: {path} is in the way (mode {mode}, uid {owner}).',
    'Put the file where {account} may read it: chown {account} {file}, in a directory that it may pass.',
  ],
  fileUnwritable: [
    '{option}: {file} cannot be written by {account}: {path} is in the way (mode {mode}, uid {owner}).',
    'Give {account} a directory of its own: install -d -o {account} -m 0700 DIRECTORY, and name it there.',
  ],
  fileWrong: ['{message}', ''],
  fileWarning: ['{message}', ''],
  filesGood: ['{count} files can be used by {account}.', ''],

  certificateWrong: ['{place}: {message}', ''],
  certificateExpired: [
    '{name}: {file} expired {days} days ago. Clients refuse it.',
    'Renew it, then kill -HUP the broker.',
  ],
  certificateEnds: [
    '{name}: {file} expires in {days} days.',
    'Renew it, then kill -HUP the broker.',
  ],
  certificateEarly: [
    '{name}: {file} is not valid before {from}, and this clock says {now}.',
    'Look at the clock of this machine: timedatectl',
  ],
  certificateGap: [
    '{name}: in {file} "{subject}" is not signed by the certificate that follows it.',
    'certfile holds the own certificate first, then the one that signed it, and so on.',
  ],
  certificateNameless: [
    '{name}: {file} names no host (subjectAltName). Clients of today refuse it.',
    'mozzie tls-init DIRECTORY HOST makes one with names.',
  ],
  certificateGood: ['{name}: {file} is for {names}, valid for {days} days.', ''],

  clockWrong: [
    'The clock of this machine says {now}.',
    'Certificates and expiries need the time: timedatectl set-ntp true',
  ],
  clockGood: ['The clock says {now}.', ''],
  diskFull: [
    '{path}: {free} MB are free, {percent} % of the disk. A broker that cannot write acknowledges nothing.',
    'df -h {path}',
  ],
  diskGood: ['{path}: {free} MB are free.', ''],
  descriptorsFew: [
    'A process may have {limit} files and connections open; the broker allows more clients than that.',
    'LimitNOFILE=65536 in the unit of systemd, or ulimit -n 65536.',
  ],
  descriptorsGood: ['A process may have {limit} files and connections open.', ''],

  storeNone: ['Nothing is kept over a restart: "persistence false".', ''],
  storeNew: ['{location}: no store yet; the first start makes it.', ''],
  storeUnreadable: ['{location}: {message}', 'ls -ld {location}'],
  storeDamaged: ['{message}', 'mozzie db salvage {location} NEW-DIRECTORY'],
  storeGood: [
    '{location}: {sessions} sessions, {queued} messages wait, {retained} are retained.',
    '',
  ],
  storeForgotten: [
    '{count} sessions had no client for 30 days, and {queued} messages wait for them; "{clientId}" the longest, since {since}.',
    '"persistent_client_expiration 30d" ends such sessions; mozzie db dump lists them.',
  ],
  storeBehind: [
    '"{clientId}" has {queued} messages waiting; more than {limit} are not kept.',
    'mozzie doctor --client {clientId}',
  ],

  urlWrong: ['{message}', ''],
  nameUnknown: [
    'The name {host} leads nowhere ({code}).',
    'Look for a mistake in it, or give the address: getent hosts {host}',
  ],
  nameKnown: ['{host} is {addresses}.', ''],
  portClosed: [
    'Nothing listens at {address} port {port}.',
    'Is the broker running, on that port, and on an address that can be reached? ss -ltn',
  ],
  portSilent: [
    '{address} port {port} does not answer within {seconds} s.',
    'A firewall between here and there drops it, or the machine is off.',
  ],
  portUnreachable: ['{address} cannot be reached: {code}.', 'ip route get {address}'],
  portOpen: ['{address} port {port} is open.', ''],
  socketWrong: ['{path}: {code}.', 'ls -l {path}'],
  tlsIsPlain: [
    'Port {port} does not speak TLS.',
    'mqtt:// instead of mqtts:// (ws:// instead of wss://), or the port with "certfile".',
  ],
  plainIsTls: ['Port {port} speaks TLS.', 'mqtts:// instead of mqtt:// (wss:// instead of ws://).'],
  tlsUntrusted: [
    'The certificate of {host} is not signed by an authority that this machine trusts ({code}).',
    '--cafile ca.crt, with the authority that signed it.',
  ],
  tlsExpired: [
    'The certificate of {host} is not valid now ({code}).',
    'Renew it at the broker; or look at the clock here: date',
  ],
  tlsName: [
    'The certificate is good, but not for {host}: it is for {names}.',
    'Connect by one of these names, or have one made for {host}.',
  ],
  tlsWantsCertificate: [
    'The broker wants a certificate of the client ({code}).',
    '--cert client.crt --key client.key, signed by the authority in its "cafile".',
  ],
  tlsFailed: ['The TLS handshake failed: {code}.', ''],
  tlsGood: ['{version} with {host}, certificate valid until {until}.', ''],
  webSocketFailed: [
    'The WebSocket was not opened: {message}.',
    'Has that port "protocol websockets"? Is the path right?',
  ],
  noConnack: [
    'Port {port} takes connections, but does not answer CONNECT within {seconds} s.',
    'Something else listens there, the broker hangs, or what checks its passwords does.',
  ],
  notMqtt: ['What answers at port {port} does not speak MQTT: {message}.', ''],
  connected: ['Connected as "{clientId}" with MQTT {version}.', ''],
  otherBroker: [
    'Another broker answers at port {port}: {version}. Mozzie cannot start there until it ends.',
    'ss -ltnp "sport = :{port}"',
  ],
  onlyOlder: ['The broker speaks MQTT 3.1.1, not 5.0.', ''],
  refused: ['The broker refused: {reason}.', ''],
  refusedBanned: [
    'The broker refused: this client, its user or its address is {reason}.',
    'mozzie ban list\nmozzie ban lift NUMBER ends it; the log of the broker says who made it.',
  ],
  refusedAnonymous: [
    'The broker refused ({reason}): no user name was given, and anonymous clients are not allowed{place}.',
    '-u USER -P PASSWORD',
  ],
  refusedUnknownUser: [
    'The broker refused ({reason}): {file} has no user "{user}".',
    'mozzie passwd {file} {user}\nThen kill -HUP the broker.',
  ],
  refusedNearUser: [
    'The broker refused ({reason}): {file} has no user "{user}", but "{near}".',
    '-u {near}',
  ],
  refusedPassword: [
    'The broker refused ({reason}): the password of "{user}" is another one.',
    'mozzie passwd {file} {user}\nIt sets a new one; then kill -HUP the broker.',
  ],
  refusedThough: [
    'The broker refused ({reason}), though {file} has "{user}" with this password.',
    'Has it read the file since? kill -HUP. Its log says which rule it was.',
  ],
  refusedNoPassword: ['The broker refused ({reason}): "{user}" without a password.', '-P PASSWORD'],
  refusedByHook: [
    'The broker refused ({reason}): {url} decides there.',
    "Its log has the question; the answer of the broker's log names the status.",
  ],
  refusedDisabled: [
    'The broker refused ({reason}): "{user}" is disabled in {file}.',
    'mozzie ctrl dynsec enableClient {user}',
  ],
  refusedClientId: [
    'The broker refused ({reason}): "{user}" may come as client "{clientId}" alone.',
    '-i {clientId}',
  ],
  refusedWithoutPassword: [
    'The broker refused ({reason}): {file} has "{user}" without a password.',
    'mozzie ctrl dynsec setClientPassword {user}\nOr a client certificate.',
  ],
  refusedByGoAuth: [
    'The broker refused ({reason}): of the backends of mosquitto-go-auth ({others}) none lets "{user}" in.',
    'The log of the broker says which of them gave no answer; those that said no have a log of their own.',
  ],
  refusedToken: [
    'The broker refused ({reason}): a JSON Web Token is asked for.',
    'The log of the broker says what is wrong with the token.',
  ],
  refusedPrefix: [
    'The broker refused ({reason}): client ids begin with "{prefix}" there, "{clientId}" does not.',
    '-i {prefix}{clientId}',
  ],
  refusedLogin: [
    'The broker refused ({reason}).',
    'Wrong user name, wrong password, or anonymous clients are not allowed; run this beside the broker with -c FILE to know which.',
  ],

  clientAsked: ['{verdict}', ''],
  clientLink: ['{question} {answer}', ''],
  clientUnknown: [
    'The broker could not be asked about "{clientId}": {message}',
    'mozzie why --client {clientId} --url {url} -u ADMINISTRATOR',
  ],
} as const satisfies Readonly<Record<string, readonly [string, string]>>
