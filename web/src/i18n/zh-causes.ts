/** 简体中文：为什么连不上，怎么办。 */
import type { CauseText } from './en-causes.ts'

export const causeWords: CauseText = {
  causes: {
    mixedContent:
      '本页通过 https:// 打开，浏览器只允许 wss://。请使用 wss://，或通过 http:// 打开本页。',
    tlsOnPlain: '该端口没有 TLS，请使用 ws://。',
    plainOnTls: '该端口使用 TLS，请使用 wss://。',
    wrongPath: '路径不对。',
    mqttPort:
      '这是基于 TCP 的 MQTT 端口。浏览器只能使用 WebSocket，请填写服务器的 WebSocket 端口。',
    otherPort: '基于 WebSocket 的 MQTT 在另一个端口。',
    otherPath: '可能路径不对：那里有网站应答，但该路径上没有 MQTT 服务器。常用路径是 /mqtt。',
    hiddenTls:
      '可能该端口使用 TLS（wss://），而浏览器不信任其证书。请打开该地址；若浏览器警告，请接受证书或导入 CA 证书（mozzie tls-init 生成的 ca.crt），然后使用 wss://。',
    nothingListens: '可能没有服务在监听：服务器在运行吗？主机和端口正确吗？',
    noAnswer: '对方没有任何应答，也没有拒绝：可能被防火墙丢弃、机器已关机，或主机填写有误。',
    maybeMqttPort:
      '可能这是基于 TCP 的 MQTT 端口：浏览器无法把它与关闭的端口区分开，也不能使用它。请填写基于 WebSocket 的 MQTT 端口，常用 9001、8083 或 8084；在 Mozzie 和 mosquitto 的配置中，是带 protocol websockets 的 listener。',
    unknownCertificate:
      '浏览器不信任该端口的证书。请打开该地址，浏览器会警告，您可以选择继续访问；或者把签发该证书的 CA 证书导入浏览器或操作系统。然后重新连接。',
    certificate:
      '可能浏览器不信任该证书。请打开该地址，查看并接受证书，或导入 CA 证书（mozzie tls-init 生成的 ca.crt）。',
    originRefused: '可能服务器拒绝来自本站的网页：可在其配置中用 websockets_origin 放行。',
  },
  openAddress: '打开该地址',
  downloadAuthority: '下载 CA 证书（ca.crt）',
  useAddress: (address) => `连接 ${address}`,
  loginNeeded: '该服务器要求用户名和密码。',
  loginRefused: '服务器拒绝了登录，请重新输入用户名和密码。',
  takenOver: '另一个连接在使用它的客户端 ID，可能在另一个标签页中',
  retryIn: (seconds) => `${seconds} 秒后重试`,
}
