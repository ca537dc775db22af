package dev.gantry.linux.netlink;

import com.sun.jna.Native;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A netlink socket. It belongs for ever to the network namespace of the thread that opened it, whatever thread uses it.
 *
 * <p>The kernel answers before send(2) returns, so nothing here waits long; should it not answer, the call ends with
 * EAGAIN after {@value #ANSWER_SECONDS} seconds.
 */
public final class NetlinkSocket implements Netlink {
    private static final int ANSWER_SECONDS = 10;
    private static final int RECEIVE_BUFFER = 4 << 20;
    private static final int DUMP_ATTEMPTS = 8;

    /** What a netlink socket speaks: {@code NETLINK_…} of linux/netlink.h. */
    public enum Protocol {
        ROUTE(0),
        NETFILTER(12);

        private final int number;

        Protocol(int number) {
            this.number = number;
        }
    }

    private final Protocol protocol;
    private final Fd fd;
    private final int port;
    /** The kernel cuts its answers at 32 KiB. */
    private final ByteBuffer received = ByteBuffer.allocateDirect(64 << 10);

    private int sequence;

    private NetlinkSocket(Protocol protocol, Fd fd, int port) {
        this.protocol = protocol;
        this.fd = fd;
        this.port = port;
    }

    /**
     * Opens a socket in this thread's network namespace.
     *
     * @throws ErrnoException EPROTONOSUPPORT if the kernel lacks the protocol
     */
    public static NetlinkSocket open(Protocol protocol) throws ErrnoException {
        String call = "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_" + protocol + ")";
        int number = (int) check(
                call,
                () -> NetlinkLibC.socket(
                        NetlinkLibC.AF_NETLINK, NetlinkLibC.SOCK_RAW | NetlinkLibC.SOCK_CLOEXEC, protocol.number));
        Fd fd = Fd.of(number);
        try {
            configure(number);
            return new NetlinkSocket(protocol, fd, portOf(number));
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    private static void configure(int number) throws ErrnoException {
        // reasons in words, without our own message echoed; and filters in dumps taken seriously. Older kernels do
        // without.
        option(number, NetlinkLibC.SOL_NETLINK, NetlinkLibC.NETLINK_EXT_ACK, ints(1));
        option(number, NetlinkLibC.SOL_NETLINK, NetlinkLibC.NETLINK_CAP_ACK, ints(1));
        option(number, NetlinkLibC.SOL_NETLINK, NetlinkLibC.NETLINK_GET_STRICT_CHK, ints(1));
        option(number, NetlinkLibC.SOL_SOCKET, NetlinkLibC.SO_RCVBUFFORCE, ints(RECEIVE_BUFFER));
        option(number, NetlinkLibC.SOL_SOCKET, NetlinkLibC.SO_RCVTIMEO, timeval(ANSWER_SECONDS));
        byte[] address = ByteBuffer.allocate(12)
                .order(ByteOrder.nativeOrder())
                .putShort((short) NetlinkLibC.AF_NETLINK)
                .array();
        check("bind(AF_NETLINK)", () -> NetlinkLibC.bind(number, address, address.length));
    }

    /** As the kernel chose it at bind(2). */
    private static int portOf(int number) throws ErrnoException {
        byte[] address = new byte[12];
        int[] length = {address.length};
        check("getsockname(AF_NETLINK)", () -> NetlinkLibC.getsockname(number, address, length));
        return ByteBuffer.wrap(address).order(ByteOrder.nativeOrder()).getInt(4);
    }

    @Override
    public int port() {
        return port;
    }

    private static void option(int number, int level, int option, byte[] value) {
        NetlinkLibC.setsockopt(number, level, option, value, value.length);
    }

    private static byte[] ints(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
    }

    private static byte[] timeval(long seconds) {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.nativeOrder())
                .putLong(seconds)
                .array();
    }

    @Override
    public synchronized void transact(List<NetlinkRequest> requests) throws ErrnoException {
        if (requests.isEmpty()) {
            return;
        }
        int first = sequence + 1;
        sequence += requests.size();
        int last = lastAnswered(requests);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < requests.size(); i++) {
            bytes.writeBytes(requests.get(i).encode(first + i, i == last ? NetlinkRequest.NLM_F_ACK : 0));
        }
        send(requests.get(0), bytes.toByteArray());
        awaitAnswers(requests, first, last);
    }

    /** The kernel never acknowledges the end of a batch, so the request before it is the last that is. */
    private static int lastAnswered(List<NetlinkRequest> requests) {
        int last = requests.size() - 1;
        return last > 0 && requests.get(last).type() == NfTables.BATCH_END ? last - 1 : last;
    }

    /** A failure is always answered, success only of the last request; so its answer ends them all. */
    private void awaitAnswers(List<NetlinkRequest> requests, int first, int last) throws ErrnoException {
        ErrnoException failure = null;
        boolean answered = false;
        while (!answered) {
            for (NetlinkReply reply : NetlinkReply.parse(receive(requests.get(last)))) {
                int index = reply.sequence() - first;
                if (!reply.isError() || index < 0 || index >= requests.size()) {
                    continue;
                }
                if (failure == null) {
                    failure = failure(requests.get(index), reply);
                }
                answered |= index == last || requests.get(index).type() == NfTables.BATCH_BEGIN;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static @Nullable ErrnoException failure(NetlinkRequest request, NetlinkReply reply) {
        int number = reply.errno();
        if (number == 0 || request.tolerated().contains(Errno.of(number))) {
            return null;
        }
        return new ErrnoException(
                "netlink: " + request.what(), number, reply.explanation().orElse(""));
    }

    @Override
    public synchronized List<NetlinkData> query(NetlinkRequest request) throws ErrnoException {
        for (int attempt = 1; ; attempt++) {
            List<NetlinkData> found = new ArrayList<>();
            boolean consistent = queryOnce(request, found);
            // the kernel's tables changed between two datagrams of the answer: ask again
            if (consistent || attempt == DUMP_ATTEMPTS) {
                return found;
            }
        }
    }

    private boolean queryOnce(NetlinkRequest request, List<NetlinkData> found) throws ErrnoException {
        int asked = ++sequence;
        boolean dump = (request.flags() & NetlinkRequest.NLM_F_DUMP) == NetlinkRequest.NLM_F_DUMP;
        // without a dump the acknowledgement marks the end
        send(request, request.encode(asked, dump ? 0 : NetlinkRequest.NLM_F_ACK));
        boolean consistent = true;
        while (true) {
            for (NetlinkReply reply : NetlinkReply.parse(receive(request))) {
                if (reply.sequence() != asked) {
                    continue;
                }
                consistent &= (reply.flags() & NetlinkReply.NLM_F_DUMP_INTR) == 0;
                if (reply.isError() || reply.endsDump()) {
                    ErrnoException failure = failure(request, reply);
                    if (failure != null) {
                        throw failure;
                    }
                    return consistent;
                }
                found.add(new NetlinkData(reply.type(), reply.body()));
            }
        }
    }

    /**
     * The index of an interface in this socket's network namespace; a fraction of the cost of {@link Links#get}.
     *
     * @throws ErrnoException ENODEV if there is none of this name
     */
    public int interfaceIndex(String name) throws ErrnoException {
        // struct ifreq: 16 bytes of name, then a union that begins with the index
        ByteBuffer request = ByteBuffer.allocate(40).order(ByteOrder.nativeOrder());
        request.put(name.getBytes(StandardCharsets.UTF_8));
        check(
                "ioctl(SIOCGIFINDEX, \"" + name + "\")",
                () -> NetlinkLibC.ioctl(fd.number(), NetlinkLibC.SIOCGIFINDEX, request.array()));
        return request.getInt(Links.MAX_NAME_LENGTH + 1);
    }

    private void send(NetlinkRequest request, byte[] bytes) throws ErrnoException {
        check(
                "send(NETLINK_" + protocol + ", " + request.what() + ", " + bytes.length + " bytes)",
                () -> NetlinkLibC.send(fd.number(), bytes, bytes.length, 0));
    }

    private byte[] receive(NetlinkRequest request) throws ErrnoException {
        String call = "recv(NETLINK_" + protocol + ", answer to " + request.what() + ")";
        long length =
                check(call, () -> NetlinkLibC.recv(fd.number(), received, received.capacity(), NetlinkLibC.MSG_TRUNC));
        if (length > received.capacity()) {
            throw new ErrnoException(call, Errno.EMSGSIZE.number(), length + " bytes");
        }
        byte[] datagram = new byte[(int) length];
        received.duplicate().position(0).get(datagram);
        return datagram;
    }

    private static long check(String call, LongSupplier syscall) throws ErrnoException {
        while (true) {
            long result = syscall.getAsLong();
            if (result != -1) {
                return result;
            }
            int number = Native.getLastError();
            if (number != Errno.EINTR.number()) {
                throw new ErrnoException(call, number);
            }
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
