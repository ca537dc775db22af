package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What one sandbox holds.
 *
 * @param pod {@code default/web}, for messages
 * @param addresses with the length of their network's prefix
 */
record NetworkRecord(String sandboxId, String pod, List<IpPrefix> addresses, List<PortMapping> ports) {
    private static final String ANY = "*";
    private static final int FIELDS = 4;

    /** Fields with blanks between them: {@code id default/web 10.88.0.2/22 TCP|*|8080|80}; lists have commas. */
    String format() {
        return String.join(
                " ",
                sandboxId,
                pod.replace(' ', '?').replace('\n', '?'),
                addresses.stream().map(IpPrefix::toString).collect(Collectors.joining(",")),
                ports.stream().map(NetworkRecord::format).collect(Collectors.joining(",")));
    }

    private static String format(PortMapping port) {
        String hostIp = port.hostIp().map(IpPrefix::format).orElse(ANY);
        return port.protocol() + "|" + hostIp + "|" + port.hostPort() + "|" + port.containerPort();
    }

    /** Empty if the text is something else. */
    static Optional<NetworkRecord> parse(String text) {
        String[] fields = text.split(" ", -1);
        if (fields.length != FIELDS) {
            return Optional.empty();
        }
        try {
            return Optional.of(new NetworkRecord(
                    fields[0], fields[1], list(fields[2], IpPrefix::parse), list(fields[3], NetworkRecord::parsePort)));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private static <T> List<T> list(String text, Function<String, T> parse) {
        return Arrays.stream(text.split(",", -1))
                .filter(item -> !item.isEmpty())
                .map(parse)
                .toList();
    }

    private static PortMapping parsePort(String text) {
        String[] words = text.split("\\|", -1);
        return new PortMapping(
                PortProtocol.valueOf(words[0]),
                words[1].equals(ANY) ? Optional.empty() : Optional.of(IpPrefix.parseAddress(words[1])),
                Integer.parseInt(words[2]),
                Integer.parseInt(words[3]));
    }
}
