package dev.gantry.linux.netlink;

import java.nio.ByteBuffer;
import java.util.Optional;

/** Counters of an interface since it was made: {@code struct rtnl_link_stats64}. */
public record LinkStatistics(
        long receivedPackets,
        long sentPackets,
        long receivedBytes,
        long sentBytes,
        long receiveErrors,
        long sendErrors,
        long receiveDropped,
        long sendDropped) {
    private static final int FIELDS = 8;

    static Optional<LinkStatistics> parse(byte[] value) {
        if (value.length < FIELDS * Long.BYTES) {
            return Optional.empty();
        }
        ByteBuffer stats = Attributes.reader(value);
        return Optional.of(new LinkStatistics(
                stats.getLong(),
                stats.getLong(),
                stats.getLong(),
                stats.getLong(),
                stats.getLong(),
                stats.getLong(),
                stats.getLong(),
                stats.getLong()));
    }

    /** The same traffic, seen from the other end of a veth pair. */
    public LinkStatistics fromOtherEnd() {
        return new LinkStatistics(
                /* receivedPackets= */ sentPackets,
                /* sentPackets= */ receivedPackets,
                /* receivedBytes= */ sentBytes,
                /* sentBytes= */ receivedBytes,
                /* receiveErrors= */ sendErrors,
                /* sendErrors= */ receiveErrors,
                /* receiveDropped= */ sendDropped,
                /* sendDropped= */ receiveDropped);
    }
}
