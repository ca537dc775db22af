package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What one sandbox holds, as it is remembered on disk: lines of {@code key=value}.
 *
 * @param pod {@code default/web}, for messages
 * @param addresses with the length of their network's prefix
 */
record NetworkRecord(String sandboxId, String pod, List<IpPrefix> addresses, List<PortMapping> ports) {
    private static final String ANY = "*";

    String format() {
        StringBuilder text = new StringBuilder("pod=").append(pod).append('\n');
        addresses.forEach(address -> text.append("address=").append(address).append('\n'));
        ports.forEach(port -> text.append("port=")
                .append(port.protocol())
                .append(' ')
                .append(port.hostIp().map(IpPrefix::format).orElse(ANY))
                .append(' ')
                .append(port.hostPort())
                .append(' ')
                .append(port.containerPort())
                .append('\n'));
        return text.append("end\n").toString();
    }

    /** Empty if the text was not written to its end. */
    static Optional<NetworkRecord> parse(String sandboxId, String text) {
        if (!text.endsWith("\nend\n")) {
            return Optional.empty();
        }
        String pod = "";
        List<IpPrefix> addresses = new ArrayList<>();
        List<PortMapping> ports = new ArrayList<>();
        try {
            for (String line : text.lines().toList()) {
                int equals = line.indexOf('=');
                String value = line.substring(equals + 1);
                switch (line.substring(0, Math.max(equals, 0))) {
                    case "pod" -> pod = value;
                    case "address" -> addresses.add(IpPrefix.parse(value));
                    case "port" -> ports.add(parsePort(value.split(" ", -1)));
                    default -> {}
                }
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            return Optional.empty();
        }
        return Optional.of(new NetworkRecord(sandboxId, pod, List.copyOf(addresses), List.copyOf(ports)));
    }

    private static PortMapping parsePort(String... words) {
        return new PortMapping(
                PortProtocol.valueOf(words[0]),
                words[1].equals(ANY) ? Optional.empty() : Optional.of(IpPrefix.parseAddress(words[1])),
                Integer.parseInt(words[2]),
                Integer.parseInt(words[3]));
    }
}
