/** The doctor's findings in Chinese. */
import type { Words } from './finding.ts'

export const WORDS_ZH: Words = {
  configNone: ['没有配置文件：服务器只在本机监听。', ''],
  configWrong: [
    '{place}：{message}',
    '改正这一行，然后用 "mozzie --test-config -c {file}" 再检查一次。',
  ],
  configUnreadable: ['{message}', 'ls -l {file}'],
  configRight: ['{files} 可以读取，内容正确。', ''],
  configWarning: ['{place}：{message}', ''],

  listenerOpen: [
    '{where} 不要求密码，能访问它的任何人都可以连接。',
    '如果不是有意如此：mozzie passwd -c 文件 用户名，再设置 "password_file 文件" 和 "allow_anonymous false"。',
  ],
  listenerLocal: ['{where} 允许任何人连接，但只限本机。', ''],
  listenerClosed: [
    '{where} 谁也进不来：不允许匿名客户端，也没有可以用来登录的用户。',
    'mozzie passwd -c 文件 用户名，再设置 "password_file 文件"；或者 "allow_anonymous true"。',
  ],
  listenerPlain: [
    '{where} 要求密码，但密码在网络上不加密。',
    '用 mozzie tls-init 目录 生成证书，再设置 "certfile" 和 "keyfile"。',
  ],
  listenerGood: ['{where}：{how}。', ''],
  listenerPage: ['{where}：网页和 API。', ''],

  accountUnknown: ['{message}', 'adduser --system --group --no-create-home {user}'],
  fileMissing: ['{option}：{file} 不存在。', ''],
  fileUnreadable: [
    '{option}：{account} 读不到 {file}：被 {path} 挡住（权限 {mode}，uid {owner}）。',
    '把文件放到 {account} 可以读取的地方，例如它自己的目录；或者让它可以进入 {path}。',
  ],
  fileOnlyAtStart: [
    '{option}：以 root 启动时可以读取 {file}，但 kill -HUP 时 {account} 读不到：被 {path} 挡住（权限 {mode}，uid {owner}）。',
    '把文件放到 {account} 可以读取的地方：chown {account} {file}，所在目录要让它能进入。',
  ],
  fileUnwritable: [
    '{option}：{account} 写不了 {file}：被 {path} 挡住（权限 {mode}，uid {owner}）。',
    '给 {account} 一个自己的目录：install -d -o {account} -m 0700 目录，并在配置里写上它。',
  ],
  fileWrong: ['{message}', ''],
  fileWarning: ['{message}', ''],
  filesGood: ['{account} 可以使用全部 {count} 个文件。', ''],

  certificateWrong: ['{place}：{message}', ''],
  certificateExpired: [
    '{name}：{file} 已过期 {days} 天，客户端会拒绝它。',
    '更新证书，然后对服务器执行 kill -HUP。',
  ],
  certificateEnds: [
    '{name}：{file} 还有 {days} 天到期。',
    '更新证书，然后对服务器执行 kill -HUP。',
  ],
  certificateEarly: [
    '{name}：{file} 从 {from} 才开始有效，而本机时间是 {now}。',
    '检查本机时间：timedatectl',
  ],
  certificateGap: [
    '{name}：{file} 里的 "{subject}" 不是由后面那张证书签发的。',
    'certfile 里先放自己的证书，再放签发它的证书，依次排列。',
  ],
  certificateNameless: [
    '{name}：{file} 没有主机名（subjectAltName），现在的客户端会拒绝它。',
    'mozzie tls-init 目录 主机名 可以生成带主机名的证书。',
  ],
  certificateGood: ['{name}：{file} 适用于 {names}，还有 {days} 天有效。', ''],

  clockWrong: ['本机时间是 {now}。', '证书和过期时间都依赖正确的时间：timedatectl set-ntp true'],
  clockGood: ['本机时间是 {now}。', ''],
  diskFull: [
    '{path}：只剩 {free} MB，占磁盘的 {percent} %。写不了磁盘的服务器不会确认任何消息。',
    'df -h {path}',
  ],
  diskGood: ['{path}：剩余 {free} MB。', ''],
  descriptorsFew: [
    '一个进程最多打开 {limit} 个文件和连接，而服务器允许的客户端比这多。',
    '在 systemd 单元里设置 LimitNOFILE=65536，或者 ulimit -n 65536。',
  ],
  descriptorsGood: ['一个进程最多打开 {limit} 个文件和连接。', ''],

  storeNone: ['重启后什么都不保留："persistence false"。', ''],
  storeNew: ['{location}：还没有数据，第一次启动时会建立。', ''],
  storeUnreadable: ['{location}：{message}', 'ls -ld {location}'],
  storeDamaged: ['{message}', 'mozzie db salvage {location} 新目录'],
  storeGood: ['{location}：{sessions} 个会话，{queued} 条消息在排队，{retained} 条保留消息。', ''],
  storeForgotten: [
    '{count} 个会话 30 天没有客户端，有 {queued} 条消息在等它们；最久的是 "{clientId}"，从 {since} 起。',
    '"persistent_client_expiration 30d" 会结束这样的会话；mozzie db dump 可以列出它们。',
  ],
  storeBehind: [
    '"{clientId}" 有 {queued} 条消息在排队；超过 {limit} 条就不再保留。',
    'mozzie doctor --client {clientId}',
  ],

  urlWrong: ['{message}', ''],
  nameUnknown: [
    '找不到主机名 {host}（{code}）。',
    '检查有没有写错，或者直接用地址：getent hosts {host}',
  ],
  nameKnown: ['{host} 的地址是 {addresses}。', ''],
  portClosed: [
    '{address} 的 {port} 端口没有程序在监听。',
    '服务器在运行吗？端口和监听地址对吗？ss -ltn',
  ],
  portSilent: [
    '{address} 的 {port} 端口在 {seconds} 秒内没有回答。',
    '中间的防火墙丢弃了数据包，或者那台机器没有开。',
  ],
  portUnreachable: ['到不了 {address}：{code}。', 'ip route get {address}'],
  portOpen: ['{address} 的 {port} 端口是开放的。', ''],
  socketWrong: ['{path}：{code}。', 'ls -l {path}'],
  tlsIsPlain: [
    '{port} 端口不使用 TLS。',
    '用 mqtt:// 代替 mqtts://（ws:// 代替 wss://），或者换到配置了 "certfile" 的端口。',
  ],
  plainIsTls: ['{port} 端口使用 TLS。', '用 mqtts:// 代替 mqtt://（wss:// 代替 ws://）。'],
  tlsUntrusted: [
    '{host} 的证书不是由本机信任的机构签发的（{code}）。',
    '--cafile ca.crt，给出签发它的机构。',
  ],
  tlsExpired: ['{host} 的证书现在无效（{code}）。', '在服务器上更新证书；也检查一下本机时间：date'],
  tlsName: [
    '证书有效，但不适用于 {host}：它适用于 {names}。',
    '用其中的一个名字连接，或者为 {host} 生成证书。',
  ],
  tlsWantsCertificate: [
    '服务器要求客户端证书（{code}）。',
    '--cert client.crt --key client.key，由服务器 "cafile" 里的机构签发。',
  ],
  tlsFailed: ['TLS 握手失败：{code}。', ''],
  tlsGood: ['与 {host} 建立了 {version}，证书有效期到 {until}。', ''],
  webSocketFailed: [
    'WebSocket 没有打开：{message}。',
    '这个端口设置了 "protocol websockets" 吗？路径对吗？',
  ],
  noConnack: [
    '{port} 端口接受连接，但在 {seconds} 秒内没有回答 CONNECT。',
    '那里监听的是别的程序，或者服务器没有响应，或者它检查密码的后端没有响应。',
  ],
  notMqtt: ['{port} 端口上的程序不使用 MQTT：{message}。', ''],
  connected: ['已用 MQTT {version} 以 "{clientId}" 连接。', ''],
  otherBroker: [
    '端口 {port} 上是另一个服务器：{version}。它结束之前，Mozzie 不能在那里启动。',
    'ss -ltnp "sport = :{port}"',
  ],
  onlyOlder: ['服务器支持 MQTT 3.1.1，不支持 5.0。', ''],
  refused: ['服务器拒绝了连接：{reason}。', ''],
  refusedBanned: [
    '服务器拒绝了连接：这个客户端、用户或地址已被封禁（{reason}）。',
    'mozzie ban list\nmozzie ban lift 编号 解除它；服务器的日志会说明是谁封禁的。',
  ],
  refusedAnonymous: [
    '服务器拒绝了连接（{reason}）：没有给用户名，而那里不允许匿名客户端{place}。',
    '-u 用户名 -P 密码',
  ],
  refusedUnknownUser: [
    '服务器拒绝了连接（{reason}）：{file} 里没有用户 "{user}"。',
    'mozzie passwd {file} {user}\n然后对服务器执行 kill -HUP。',
  ],
  refusedNearUser: [
    '服务器拒绝了连接（{reason}）：{file} 里没有用户 "{user}"，但有 "{near}"。',
    '-u {near}',
  ],
  refusedPassword: [
    '服务器拒绝了连接（{reason}）："{user}" 的密码不是这个。',
    'mozzie passwd {file} {user}\n它设置新密码；然后对服务器执行 kill -HUP。',
  ],
  refusedThough: [
    '服务器拒绝了连接（{reason}），虽然 {file} 里有 "{user}"，密码也对。',
    '服务器重新读过这个文件吗？kill -HUP。它的日志会说明是哪条规则。',
  ],
  refusedNoPassword: ['服务器拒绝了连接（{reason}）："{user}" 没有给密码。', '-P 密码'],
  refusedByHook: [
    '服务器拒绝了连接（{reason}）：由 {url} 决定。',
    '那里的日志有这次询问；服务器的日志里有它的回答。',
  ],
  refusedDisabled: [
    '服务器拒绝了连接（{reason}）：用户 "{user}" 在 {file} 中已停用。',
    'mozzie ctrl dynsec enableClient {user}',
  ],
  refusedClientId: [
    '服务器拒绝了连接（{reason}）：用户 "{user}" 只能以客户端 "{clientId}" 连接。',
    '-i {clientId}',
  ],
  refusedWithoutPassword: [
    '服务器拒绝了连接（{reason}）：{file} 中的用户 "{user}" 没有密码。',
    'mozzie ctrl dynsec setClientPassword {user}\n或使用客户端证书。',
  ],
  refusedByGoAuth: [
    '服务器拒绝了连接（{reason}）：mosquitto-go-auth 的后端（{others}）都不放行 "{user}"。',
    '服务器的日志说明哪一个没有答复；拒绝的一方有自己的日志。',
  ],
  refusedToken: [
    '服务器拒绝了连接（{reason}）：需要 JSON Web Token。',
    '服务器的日志说明令牌哪里不对。',
  ],
  refusedPrefix: [
    '服务器拒绝了连接（{reason}）：客户端 ID 必须以 "{prefix}" 开头，而 "{clientId}" 不是。',
    '-i {prefix}{clientId}',
  ],
  refusedLogin: [
    '服务器拒绝了连接（{reason}）。',
    '用户名错、密码错，或者不允许匿名客户端；在服务器旁边加上 -c 文件 运行就知道是哪一个。',
  ],

  clientAsked: ['{verdict}', ''],
  clientLink: ['{question} {answer}', ''],
  clientUnknown: [
    '无法向服务器询问 "{clientId}"：{message}',
    'mozzie why --client {clientId} --url {url} -u 管理员',
  ],
}
