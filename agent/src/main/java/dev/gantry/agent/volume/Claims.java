package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import io.fabric8.kubernetes.api.model.NodeSelector;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Quantity;
import java.math.BigDecimal;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which PersistentVolume a claim has. Pure.
 *
 * <ul>
 *   <li>A binding once made holds, whatever volumes come later: the claim's data are there.
 *   <li>Else the volume that the claim names, or that names the claim, or the smallest one that fits.
 *   <li>A volume has one claim at most, also when that claim's document is gone.
 * </ul>
 *
 * @see <a href="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding">Binding</a>
 */
final class Claims {
    private final Collection<PersistentVolume> volumes;
    private final Collection<PersistentVolumeClaim> claims;
    private final Map<String, String> bindings;
    private final Predicate<NodeSelector> node;

    /**
     * Looks at these.
     *
     * @param bindings names of volumes by {@link #key} of their claims, as they were made
     * @param node whether this node is one that a volume can be used on
     */
    Claims(
            Collection<PersistentVolume> volumes,
            Collection<PersistentVolumeClaim> claims,
            Map<String, String> bindings,
            Predicate<NodeSelector> node) {
        this.volumes = volumes;
        this.claims = claims;
        this.bindings = bindings;
        this.node = node;
    }

    /** {@code namespace/name}. */
    static String key(PersistentVolumeClaim claim) {
        return claim.getMetadata().getNamespace() + "/" + claim.getMetadata().getName();
    }

    /**
     * The volume of a claim.
     *
     * @throws VolumeException if it has none; says of each volume why
     */
    PersistentVolume volume(PersistentVolumeClaim claim) throws VolumeException {
        String key = key(claim);
        String bound = bindings.get(key);
        String named = claim.getSpec().getVolumeName();
        if (bound != null) {
            if (named != null && !named.isEmpty() && !named.equals(bound)) {
                throw new VolumeException(
                        "persistentvolumeclaim \"%s\" is bound to volume \"%s\", and its volumeName is \"%s\"; a claim keeps its volume, make another claim"
                                .formatted(key, bound, named));
            }
            return onThisNode(find(bound)
                    .orElseThrow(() -> new VolumeException(
                            "persistentvolumeclaim \"%s\" is bound to volume \"%s\", which is not there; put its document beside the manifests again"
                                    .formatted(key, bound))));
        }
        if (named != null && !named.isEmpty()) {
            PersistentVolume volume = find(named)
                    .orElseThrow(() -> new VolumeException(
                            "persistentvolume \"%s\" not found; put a document of it beside the manifests"
                                    .formatted(named)));
            Optional<String> objection = objection(claim, volume, true);
            if (objection.isPresent()) {
                throw new VolumeException("persistentvolumeclaim \"%s\" cannot have its volume \"%s\": %s"
                        .formatted(key, named, objection.get()));
            }
            return onThisNode(volume);
        }
        return volumes.stream()
                .filter(volume -> objection(claim, volume, false).isEmpty() && isOnThisNode(volume))
                .min(Comparator.comparing((PersistentVolume volume) -> !isFor(volume, claim))
                        .thenComparing(Claims::capacity)
                        .thenComparing(volume -> volume.getMetadata().getName()))
                .orElseThrow(() -> unbound(claim));
    }

    private VolumeException unbound(PersistentVolumeClaim claim) {
        StringBuilder why = new StringBuilder();
        volumes.stream()
                .sorted(Comparator.comparing(volume -> volume.getMetadata().getName()))
                .forEach(volume -> why.append(why.isEmpty() ? "" : "; ")
                        .append(volume.getMetadata().getName())
                        .append(": ")
                        .append(objection(claim, volume, false).orElse("is not for this node")));
        return new VolumeException("persistentvolumeclaim \"%s\" is not bound: %s"
                .formatted(
                        key(claim),
                        why.isEmpty() ? "there is no persistentvolume beside the manifests; put one there" : why));
    }

    private PersistentVolume onThisNode(PersistentVolume volume) throws VolumeException {
        if (isOnThisNode(volume)) {
            return volume;
        }
        throw new VolumeException("persistentvolume \"%s\" is not for this node: its nodeAffinity does not match"
                .formatted(volume.getMetadata().getName()));
    }

    private boolean isOnThisNode(PersistentVolume volume) {
        return volume.getSpec().getNodeAffinity() == null
                || node.test(volume.getSpec().getNodeAffinity().getRequired());
    }

    private Optional<PersistentVolume> find(String name) {
        return volumes.stream()
                .filter(volume -> volume.getMetadata().getName().equals(name))
                .findFirst();
    }

    /** Why a claim cannot have a volume; empty if it can. */
    private Optional<String> objection(PersistentVolumeClaim claim, PersistentVolume volume, boolean named) {
        Optional<String> owner = owner(claim, volume);
        if (owner.isPresent()) {
            return Optional.of("it is bound to claim \"" + owner.get() + "\"");
        }
        if (!orEmpty(claim.getSpec().getStorageClassName())
                .equals(orEmpty(volume.getSpec().getStorageClassName()))) {
            return Optional.of("its storageClassName is \"%s\", not \"%s\""
                    .formatted(
                            orEmpty(volume.getSpec().getStorageClassName()),
                            orEmpty(claim.getSpec().getStorageClassName())));
        }
        if (!volume.getSpec().getAccessModes().containsAll(claim.getSpec().getAccessModes())) {
            return Optional.of("its accessModes are %s, not %s"
                    .formatted(
                            volume.getSpec().getAccessModes(), claim.getSpec().getAccessModes()));
        }
        Quantity request = claim.getSpec().getResources().getRequests().get("storage");
        if (capacity(volume).compareTo(amount(request)) < 0) {
            return Optional.of("it has %s, less than %s"
                    .formatted(volume.getSpec().getCapacity().get("storage"), request));
        }
        return named
                        || matches(
                                claim.getSpec().getSelector(),
                                volume.getMetadata().getLabels())
                ? Optional.empty()
                : Optional.of("the claim's selector does not match its labels");
    }

    /** The other claim that has a volume or is to have it. */
    private Optional<String> owner(PersistentVolumeClaim claim, PersistentVolume volume) {
        String key = key(claim);
        String name = volume.getMetadata().getName();
        for (Map.Entry<String, String> binding : bindings.entrySet()) {
            if (binding.getValue().equals(name) && !binding.getKey().equals(key)) {
                return Optional.of(binding.getKey());
            }
        }
        ObjectReference reference = volume.getSpec().getClaimRef();
        if (reference != null && !isFor(volume, claim)) {
            return Optional.of(reference.getNamespace() + "/" + reference.getName());
        }
        return claims.stream()
                .filter(other -> name.equals(other.getSpec().getVolumeName())
                        && !key(other).equals(key)
                        && !name.equals(claim.getSpec().getVolumeName()))
                .map(Claims::key)
                .findFirst();
    }

    private static boolean isFor(PersistentVolume volume, PersistentVolumeClaim claim) {
        ObjectReference reference = volume.getSpec().getClaimRef();
        return reference != null
                && Objects.equals(reference.getName(), claim.getMetadata().getName())
                && orDefault(reference.getNamespace())
                        .equals(claim.getMetadata().getNamespace());
    }

    private static String orDefault(@Nullable String namespace) {
        return namespace == null || namespace.isEmpty() ? "default" : namespace;
    }

    private static BigDecimal capacity(PersistentVolume volume) {
        return amount(volume.getSpec().getCapacity().get("storage"));
    }

    private static BigDecimal amount(@Nullable Quantity quantity) {
        return quantity == null ? BigDecimal.ZERO : quantity.getNumericalAmount();
    }

    private static boolean matches(@Nullable LabelSelector selector, @Nullable Map<String, String> given) {
        Map<String, String> labels = given == null ? Map.of() : given;
        if (selector == null) {
            return true;
        }
        Map<String, String> exact = selector.getMatchLabels() == null ? Map.of() : selector.getMatchLabels();
        List<LabelSelectorRequirement> expressions =
                selector.getMatchExpressions() == null ? List.of() : selector.getMatchExpressions();
        return exact.entrySet().stream().allMatch(entry -> entry.getValue().equals(labels.get(entry.getKey())))
                && expressions.stream().allMatch(one -> matches(one, labels.get(one.getKey())));
    }

    private static boolean matches(LabelSelectorRequirement requirement, @Nullable String value) {
        List<String> values = requirement.getValues() == null ? List.of() : requirement.getValues();
        return switch (orEmpty(requirement.getOperator())) {
            case "In" -> value != null && values.contains(value);
            case "NotIn" -> value == null || !values.contains(value);
            case "Exists" -> value != null;
            case "DoesNotExist" -> value == null;
            default -> false;
        };
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
