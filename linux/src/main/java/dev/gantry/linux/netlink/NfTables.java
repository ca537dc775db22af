package dev.gantry.linux.netlink;

import dev.gantry.linux.Errno;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Requests about packet filters: tables, chains, rules, maps and their elements, in the {@code inet} family.
 *
 * <p>All changes belong into a batch, which is a transaction: {@link #batch}. Numbers inside attributes are big-endian;
 * names as in linux/netfilter/nf_tables.h.
 *
 * @see <a href="https://wiki.nftables.org/wiki-nftables/index.php/Portal:DeveloperDocs/nftables_internals">nftables
 *     internals</a>
 */
public final class NfTables {
    static final int BATCH_BEGIN = 0x10;
    static final int BATCH_END = 0x11;

    /** NFNL_SUBSYS_NFTABLES, in the upper byte of a message's type. */
    static final int SUBSYSTEM = 10;

    static final int NFT_MSG_NEWTABLE = 0;
    static final int NFT_MSG_GETTABLE = 1;
    static final int NFT_MSG_DELTABLE = 2;
    static final int NFT_MSG_NEWCHAIN = 3;
    static final int NFT_MSG_GETCHAIN = 4;
    static final int NFT_MSG_NEWRULE = 6;
    static final int NFT_MSG_NEWSET = 9;
    static final int NFT_MSG_NEWSETELEM = 12;
    static final int NFT_MSG_GETSETELEM = 13;
    static final int NFT_MSG_DELSETELEM = 14;

    private static final int NFPROTO_INET = 1;
    private static final int NFTA_TABLE = 1;
    private static final int NFTA_TABLE_FLAGS = 2;
    private static final int NFTA_TABLE_USERDATA = 6;
    private static final int NFTNL_UDATA_TABLE_COMMENT = 0;
    private static final int NFTA_CHAIN_NAME = 3;
    private static final int NFTA_CHAIN_HOOK = 4;
    private static final int NFTA_CHAIN_POLICY = 5;
    private static final int NFTA_CHAIN_TYPE = 7;
    private static final int NFTA_HOOK_HOOKNUM = 1;
    private static final int NFTA_HOOK_PRIORITY = 2;
    private static final int NF_ACCEPT = 1;
    private static final int NFTA_SET_NAME = 2;
    private static final int NFTA_SET_FLAGS = 3;
    private static final int NFTA_SET_KEY_TYPE = 4;
    private static final int NFTA_SET_KEY_LEN = 5;
    private static final int NFTA_SET_DATA_TYPE = 6;
    private static final int NFTA_SET_DATA_LEN = 7;
    private static final int NFTA_SET_ID = 10;
    private static final int NFT_SET_MAP = 0x8;
    private static final int NFTA_SET_ELEM_LIST_SET = 2;
    private static final int NFTA_SET_ELEM_LIST_ELEMENTS = 3;
    private static final int NFTA_LIST_ELEM = 1;
    private static final int NFTA_SET_ELEM_KEY = 1;
    private static final int NFTA_SET_ELEM_DATA = 2;
    private static final int NFTA_DATA_VALUE = 1;
    private static final int NFTA_RULE_CHAIN = 2;
    private static final int NFTA_RULE_EXPRESSIONS = 4;

    /** As many as surely fit into one attribute. */
    private static final int MAX_ELEMENTS_IN_MESSAGE = 512;

    private NfTables() {}

    /** Where in a packet's way a chain is called: {@code NF_INET_…}. */
    public enum Hook {
        PREROUTING(0),
        INPUT(1),
        FORWARD(2),
        OUTPUT(3),
        POSTROUTING(4);

        private final int number;

        Hook(int number) {
            this.number = number;
        }
    }

    /**
     * A field of a map's key or value, numbered as nft(8) numbers its data types, which is how it knows to print them.
     */
    public enum DataType {
        IPV4_ADDRESS(7, 4),
        IPV6_ADDRESS(8, 16),
        INET_PROTOCOL(12, 1),
        INET_SERVICE(13, 2);

        private static final int TYPE_BITS = 6;

        private final int number;
        private final int bytes;

        DataType(int number, int bytes) {
            this.number = number;
            this.bytes = bytes;
        }

        /** In a concatenation each field takes whole registers of 4 bytes. */
        private static int length(List<DataType> fields) {
            return fields.stream().mapToInt(field -> (field.bytes + 3) & ~3).sum();
        }

        private static int number(List<DataType> fields) {
            int number = 0;
            for (DataType field : fields) {
                number = number << TYPE_BITS | field.number;
            }
            return number;
        }
    }

    /**
     * A map from concatenated fields to concatenated fields.
     *
     * @param id tells the maps of one batch apart
     */
    public record Map(String table, String name, int id, List<DataType> key, List<DataType> value) {}

    /** An element; its fields are big-endian and each is padded to 4 bytes: {@link #fields}. */
    @SuppressWarnings("ArrayRecordComponent") // bytes in transit, never compared
    public record Element(byte[] key, byte[] value) {}

    /** Concatenates fields, each padded with zeros to 4 bytes. */
    public static byte[] fields(byte[]... fields) {
        AttributeWriter writer = new AttributeWriter();
        for (byte[] field : fields) {
            for (int i = 0; i < (field.length + 3) / 4 * 4; i++) {
                writer.rawU8(i < field.length ? field[i] : 0);
            }
        }
        return writer.toBytes();
    }

    /** A transaction: all of it or nothing. */
    public static List<NetlinkRequest> batch(List<NetlinkRequest> changes) {
        List<NetlinkRequest> all = new ArrayList<>(changes.size() + 2);
        all.add(edge("begin of an nf_tables transaction", BATCH_BEGIN));
        all.addAll(changes);
        all.add(edge("end of an nf_tables transaction", BATCH_END));
        return all;
    }

    private static NetlinkRequest edge(String what, int type) {
        byte[] body =
                new AttributeWriter().rawU8(0).rawU8(0).rawBigU16(SUBSYSTEM).toBytes();
        return new NetlinkRequest(what, type, 0, body);
    }

    /**
     * Adds a table, or leaves the one that is there.
     *
     * @param comment for people; {@code nft list ruleset} prints it
     */
    public static NetlinkRequest addTable(String name, String comment) {
        byte[] text = (comment + "\0").getBytes(StandardCharsets.UTF_8);
        byte[] userdata = new byte[text.length + 2];
        userdata[0] = NFTNL_UDATA_TABLE_COMMENT;
        userdata[1] = (byte) text.length;
        System.arraycopy(text, 0, userdata, 2, text.length);
        byte[] body = family().string(NFTA_TABLE, name)
                .bigU32(NFTA_TABLE_FLAGS, 0)
                .bytes(NFTA_TABLE_USERDATA, userdata)
                .toBytes();
        return request("add table inet " + name, NFT_MSG_NEWTABLE, NetlinkRequest.NLM_F_CREATE, body);
    }

    /** Deletes a table with all that is in it. */
    public static NetlinkRequest deleteTable(String name) {
        return request(
                "delete table inet " + name,
                NFT_MSG_DELTABLE,
                0,
                family().string(NFTA_TABLE, name).toBytes());
    }

    public static NetlinkRequest getTable(String name) {
        return request(
                "get table inet " + name,
                NFT_MSG_GETTABLE,
                0,
                family().string(NFTA_TABLE, name).toBytes());
    }

    /** A chain that other chains jump to. */
    public static NetlinkRequest addChain(String table, String name) {
        byte[] body =
                family().string(NFTA_TABLE, table).string(NFTA_CHAIN_NAME, name).toBytes();
        return request(chain(table, name), NFT_MSG_NEWCHAIN, NetlinkRequest.NLM_F_CREATE, body);
    }

    /**
     * A chain that the kernel calls; what it does not decide, passes.
     *
     * @param type {@code filter} or {@code nat}
     * @param priority chains of lower priority are called earlier
     */
    public static NetlinkRequest addBaseChain(String table, String name, String type, Hook hook, int priority) {
        byte[] body = family().string(NFTA_TABLE, table)
                .string(NFTA_CHAIN_NAME, name)
                .string(NFTA_CHAIN_TYPE, type)
                .bigU32(NFTA_CHAIN_POLICY, NF_ACCEPT)
                .nested(
                        NFTA_CHAIN_HOOK,
                        attributes -> attributes
                                .bigU32(NFTA_HOOK_HOOKNUM, hook.number)
                                .bigU32(NFTA_HOOK_PRIORITY, priority))
                .toBytes();
        return request(chain(table, name), NFT_MSG_NEWCHAIN, NetlinkRequest.NLM_F_CREATE, body);
    }

    private static String chain(String table, String name) {
        return "add chain inet " + table + " " + name;
    }

    /**
     * A chain that the kernel calls.
     *
     * @param family {@code ip}, {@code ip6}, {@code inet} …
     * @param drops whether packets that no rule decides on are dropped
     */
    public record BaseChain(String family, String table, String name, int hook, boolean drops) {
        public boolean isCalledAt(Hook where) {
            return hook == where.number;
        }
    }

    /** All chains of all tables. */
    public static NetlinkRequest listChains() {
        return request(
                "list chains",
                NFT_MSG_GETCHAIN,
                NetlinkRequest.NLM_F_DUMP,
                new AttributeWriter().rawU32(0).toBytes());
    }

    /** The base chains of IPv4, IPv6 or both among the answers. */
    public static List<BaseChain> parseBaseChains(List<NetlinkData> answers) {
        List<BaseChain> chains = new ArrayList<>();
        for (NetlinkData answer : answers) {
            Attributes attributes = Attributes.parse(answer.body(), 4);
            String family = switch (answer.body()[0]) {
                case NFPROTO_INET -> "inet";
                case Addresses.AF_INET -> "ip";
                case Addresses.AF_INET6 -> "ip6";
                default -> "";
            };
            if (!family.isEmpty() && attributes.bytes(NFTA_CHAIN_HOOK).isPresent()) {
                chains.add(new BaseChain(
                        family,
                        attributes.string(NFTA_TABLE).orElse(""),
                        attributes.string(NFTA_CHAIN_NAME).orElse(""),
                        attributes
                                .nested(NFTA_CHAIN_HOOK)
                                .bigU32(NFTA_HOOK_HOOKNUM)
                                .orElse(-1),
                        attributes.bigU32(NFTA_CHAIN_POLICY).orElse(NF_ACCEPT) != NF_ACCEPT));
            }
        }
        return chains;
    }

    public static NetlinkRequest addMap(Map map) {
        byte[] body = family().string(NFTA_TABLE, map.table())
                .string(NFTA_SET_NAME, map.name())
                .bigU32(NFTA_SET_FLAGS, NFT_SET_MAP)
                .bigU32(NFTA_SET_KEY_TYPE, DataType.number(map.key()))
                .bigU32(NFTA_SET_KEY_LEN, DataType.length(map.key()))
                .bigU32(NFTA_SET_DATA_TYPE, DataType.number(map.value()))
                .bigU32(NFTA_SET_DATA_LEN, DataType.length(map.value()))
                .bigU32(NFTA_SET_ID, map.id())
                .toBytes();
        return request(
                "add map inet " + map.table() + " " + map.name(), NFT_MSG_NEWSET, NetlinkRequest.NLM_F_CREATE, body);
    }

    /** Adds elements, in as many messages as they need. An element that is there with another value is an error. */
    public static List<NetlinkRequest> addElements(Map map, List<Element> elements) {
        return elements(
                "nf_tables: add elements to map inet ",
                map,
                elements,
                NFT_MSG_NEWSETELEM,
                NetlinkRequest.NLM_F_CREATE,
                Set.of());
    }

    /**
     * Deletes elements. One that is not there fails the transaction: the kernel knows no other way, see
     * {@link #listElements}.
     */
    public static List<NetlinkRequest> deleteElements(Map map, List<Element> elements) {
        return elements("nf_tables: delete elements of map inet ", map, elements, NFT_MSG_DELSETELEM, 0, Set.of());
    }

    private static List<NetlinkRequest> elements(
            String verb, Map map, List<Element> elements, int message, int flags, Set<Errno> tolerated) {
        List<NetlinkRequest> requests = new ArrayList<>();
        for (int from = 0; from < elements.size(); from += MAX_ELEMENTS_IN_MESSAGE) {
            List<Element> part = elements.subList(from, Math.min(elements.size(), from + MAX_ELEMENTS_IN_MESSAGE));
            byte[] body = family().string(NFTA_TABLE, map.table())
                    .string(NFTA_SET_ELEM_LIST_SET, map.name())
                    .nested(
                            NFTA_SET_ELEM_LIST_ELEMENTS,
                            list -> part.forEach(element ->
                                    list.nested(NFTA_LIST_ELEM, attributes -> writeElement(attributes, element))))
                    .toBytes();
            requests.add(new NetlinkRequest(
                    verb + map.table() + " " + map.name(), SUBSYSTEM << 8 | message, flags, body, tolerated));
        }
        return requests;
    }

    private static void writeElement(AttributeWriter attributes, Element element) {
        attributes
                .nested(NFTA_SET_ELEM_KEY, key -> key.bytes(NFTA_DATA_VALUE, element.key()))
                .nested(NFTA_SET_ELEM_DATA, value -> value.bytes(NFTA_DATA_VALUE, element.value()));
    }

    public static NetlinkRequest listElements(Map map) {
        byte[] body = family().string(NFTA_TABLE, map.table())
                .string(NFTA_SET_ELEM_LIST_SET, map.name())
                .toBytes();
        return request(
                "list elements of map inet " + map.table() + " " + map.name(),
                NFT_MSG_GETSETELEM,
                NetlinkRequest.NLM_F_DUMP,
                body);
    }

    /** The elements among the answers. */
    public static List<Element> parseElements(List<NetlinkData> answers) {
        List<Element> elements = new ArrayList<>();
        for (NetlinkData answer : answers) {
            Attributes.parse(answer.body(), 4)
                    .bytes(NFTA_SET_ELEM_LIST_ELEMENTS)
                    .ifPresent(list -> Attributes.forEach(list, (type, value) -> {
                        Attributes element = Attributes.parse(value, 0);
                        elements.add(new Element(data(element, NFTA_SET_ELEM_KEY), data(element, NFTA_SET_ELEM_DATA)));
                    }));
        }
        return elements;
    }

    private static byte[] data(Attributes element, int type) {
        return element.nested(type).bytes(NFTA_DATA_VALUE).orElseGet(() -> new byte[0]);
    }

    /** Appends a rule: its expressions, from left to right, until one does not match. */
    public static NetlinkRequest addRule(String table, String chain, List<NfExpression> expressions) {
        byte[] body = family().string(NFTA_TABLE, table)
                .string(NFTA_RULE_CHAIN, chain)
                .nested(
                        NFTA_RULE_EXPRESSIONS,
                        list -> expressions.forEach(expression -> list.nested(NFTA_LIST_ELEM, expression::write)))
                .toBytes();
        return request(
                "add rule inet " + table + " " + chain,
                NFT_MSG_NEWRULE,
                NetlinkRequest.NLM_F_CREATE | NetlinkRequest.NLM_F_APPEND,
                body);
    }

    private static NetlinkRequest request(String what, int message, int flags, byte[] body) {
        return new NetlinkRequest("nf_tables: " + what, SUBSYSTEM << 8 | message, flags, body);
    }

    /** {@code struct nfgenmsg}. */
    private static AttributeWriter family() {
        return new AttributeWriter().rawU8(NFPROTO_INET).rawU8(0).rawU16(0);
    }
}
