package dev.gantry.runtime;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * CRI's messages as plain maps and lists for verbose answers, as containerd writes them: the proto's own names, fields that are not
 * set left out, enums as numbers.
 */
final class PlainMessages {
    private PlainMessages() {}

    static Map<String, Object> map(Message message) {
        Map<String, Object> map = new LinkedHashMap<>();
        message.getAllFields().forEach((field, value) -> map.put(field.getName(), plain(field, value)));
        return map;
    }

    private static Object plain(FieldDescriptor field, Object value) {
        if (field.isMapField()) {
            Map<String, Object> map = new LinkedHashMap<>();
            for (Object entry : (List<?>) value) {
                Message pair = (Message) entry;
                FieldDescriptor key = pair.getDescriptorForType().findFieldByNumber(1);
                FieldDescriptor content = pair.getDescriptorForType().findFieldByNumber(2);
                map.put(String.valueOf(pair.getField(key)), plain(content, pair.getField(content)));
            }
            return map;
        }
        if (field.isRepeated()) {
            List<Object> list = new ArrayList<>();
            ((List<?>) value).forEach(element -> list.add(single(element)));
            return list;
        }
        return single(value);
    }

    private static Object single(Object value) {
        if (value instanceof Message message) {
            return map(message);
        }
        if (value instanceof EnumValueDescriptor constant) {
            return constant.getNumber();
        }
        if (value instanceof ByteString bytes) {
            return bytes.isValidUtf8()
                    ? bytes.toStringUtf8()
                    : Base64.getEncoder().encodeToString(bytes.toByteArray());
        }
        return value;
    }
}
