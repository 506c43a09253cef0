"""Equations and inequalities that follow from what a file supposes, by name, with their proofs in Coq."""

from __future__ import annotations

DERIVED: dict[str, str] = {
    "f_tangents_strong": """
  (* A strongly convex f lies above its tangents. *)
  Lemma f_tangents : convex_smooth f grad.
  Proof.
    intros u v. pose proof (f_strongly_convex u v) as H. pose proof (sq_nonneg (v -v u)) as P.
    assert (0 <= mu / 2 * sq (v -v u)) by (apply Rmult_le_pos; [lra | assumption]). lra.
  Qed.""",
    "f_tangents": """
  Lemma f_tangents : convex_smooth f grad.
  Proof. exact f_convex. Qed.""",
    "r_is_0": """
  Lemma r_is_0 : forall p, r p = 0.
  Proof. intro p. apply r_zero. Qed.""",
    "z_domain": """
  Lemma z_domain : domain z.
  Proof. apply r_zero. Qed.""",
    "x_0_domain": """
  Lemma x_0_domain : domain (x 0).
  Proof. apply r_zero. Qed.""",
    "s_is_0": """
  (* r = 0 has no other subgradient than 0. *)
  Lemma s_is_0 : forall k, (1 <= k <= K)%nat -> s k = vzero.
  Proof.
    intros k Hk. destruct (s_subgradient k Hk) as [_ H]. specialize (H (x k +v s k) (proj1 (r_zero _))).
    rewrite !(fun p => proj2 (r_zero p)) in H. apply dot_definite. pose proof (dot_nonneg V (s k)).
    replace (dot (s k) (x k +v s k -v x k)) with (dot (s k) (s k)) in H by (expand; ring). lra.
  Qed.""",
    "x_domain": """
  Lemma x_domain : forall k, (k <= K)%nat -> domain (x k).
  Proof. intros [|k] Hk; [exact x_0_domain | apply s_subgradient; lia]. Qed.""",
    "gradient_vanishes": """
  (* The gradient vanishes at a minimiser, r = 0. *)
  Lemma gradient_vanishes : grad z = vzero.
  Proof.
    pose proof (smooth_dominated f grad L (f z) L_pos f_smooth) as H.
    assert (B : forall u, f z <= f u).
    { intro u. pose proof (z_minimises u (proj1 (r_zero u))) as M. unfold F in M.
      rewrite !(fun p => proj2 (r_zero p)) in M. lra. }
    specialize (H B z). apply dot_definite. pose proof (dot_nonneg V (grad z)). unfold sq in H. lra.
  Qed.""",
    "exact_subgradient": """
  (* Solved for s_k, that the step is exact. *)
  Lemma exact_subgradient : forall k, (1 <= k <= K)%nat ->
    s k = (L / h) *v (x (pred k) -v x k) -v grad (x (pred k)).
  Proof.
    intros k Hk. pose proof (exact_step k Hk) as E. unfold e, D, G in E. apply equal_vectors.
    assert (Q : sq (x (pred k) -v x k -v (h / L) *v (grad (x (pred k)) +v s k)) = 0)
      by (rewrite E; apply dot_zero).
    replace (sq (s k -v ((L / h) *v (x (pred k) -v x k) -v grad (x (pred k)))))
      with ((L / h) ^ 2 * sq (x (pred k) -v x k -v (h / L) *v (grad (x (pred k)) +v s k)))
      by (expand; field; lra).
    rewrite Q. ring.
  Qed.""",
    "exact_gradient_step": """
  (* Solved for x_k, that the step is exact, r = 0. *)
  Lemma exact_gradient_step : forall k, (1 <= k <= K)%nat -> x k = x (pred k) -v (h / L) *v grad (x (pred k)).
  Proof.
    intros k Hk. pose proof (exact_step k Hk) as E. unfold e, D, G in E. rewrite (s_is_0 k Hk) in E.
    apply equal_vectors.
    assert (Q : sq (x (pred k) -v x k -v (h / L) *v (grad (x (pred k)) +v vzero)) = 0)
      by (rewrite E; apply dot_zero).
    rewrite <- Q. expand. ring.
  Qed.""",
    "s_T_is": """
  Lemma s_T_is : s_T = (L / h) *v (z -v Tz) -v grad z.
  Proof.
    apply equal_vectors.
    assert (Q : sq (Tz -v (z -v (h / L) *v (grad z +v s_T))) = 0).
    { rewrite Tz_step at 1. expand. ring. }
    replace (sq (s_T -v ((L / h) *v (z -v Tz) -v grad z)))
      with ((L / h) ^ 2 * sq (Tz -v (z -v (h / L) *v (grad z +v s_T)))) by (expand; field; lra).
    rewrite Q. ring.
  Qed.""",
    "Tz_is_gradient_step": """
  (* With r = 0, T(z) is a gradient step from z. *)
  Lemma Tz_is_gradient_step : Tz = z -v (h / L) *v grad z.
  Proof.
    assert (S0 : s_T = vzero).
    { destruct Tz_subgradient as [_ H]. specialize (H (Tz +v s_T) (proj1 (r_zero _))).
      rewrite !(fun p => proj2 (r_zero p)) in H. apply dot_definite. pose proof (dot_nonneg V s_T).
      replace (dot s_T (Tz +v s_T -v Tz)) with (dot s_T s_T) in H by (expand; ring). lra. }
    rewrite Tz_step, S0. same_vector.
  Qed.""",
    "bshift_is": """
  (* The deviation is bracket + pshift + bshift. *)
  Lemma bshift_is : forall k, (1 <= k <= K)%nat -> bshift k = e k -v bracket k -v pshift k.
  Proof.
    intros k Hk. unfold e. rewrite (head_step k Hk). unfold bshift, bracket, pshift. same_vector.
  Qed.""",
    "delta1_bounds": """
  Lemma delta1_bounds : forall k, (1 <= k <= K)%nat -> norm (delta1_G k) <= delta1_max k * norm (G k).
  Proof. intros k Hk. unfold delta1_G. apply delta1_largest. exact Hk. Qed.""",
    "p_inverse": """
  Lemma p_inverse : forall k, (1 <= k <= K)%nat -> norm (G_b k) <= L / Lp_min k * norm (D k).
  Proof. intros k Hk. rewrite <- (G_b_is k Hk). apply p_largest_inverse. exact Hk. Qed.""",
    "delta2_is": """
  (* delta1 G + delta2 = 2 L (D - G/L). *)
  Lemma delta2_is : forall k, (1 <= k <= K)%nat ->
    delta2 k = (2 * L) *v (D k -v (1 / L) *v G k) -v delta1_G k.
  Proof.
    intros k Hk. rewrite (head_step k Hk). unfold delta2, delta1_G. apply equal_vectors. expand. field. lra.
  Qed.""",
    "virtual_bounds": """
  (* The virtual decomposition: the triangle inequality for bracket + pshift + bshift. *)
  Lemma virtual_bounds : forall k, (1 <= k <= K)%nat ->
    norm (e k) <= C1 k * G_inf k * dz k + C2 k * dz k + norm (bracket k).
  Proof.
    intros k Hk. pose proof (p_lipschitz k Hk). pose proof (b_lipschitz k Hk).
    assert (E : e k = bracket k +v pshift k +v bshift k).
    { unfold e. rewrite (head_step k Hk). unfold bshift, bracket, pshift. same_vector. }
    rewrite E. pose proof (triangle_inequality (bracket k +v pshift k) (bshift k)).
    pose proof (triangle_inequality (bracket k) (pshift k)). lra.
  Qed.""",
    "F_low_below_f_inf": """
  Lemma F_low_below_f_inf : F_low <= f_inf.
  Proof.
    apply f_inf_largest. intro p. pose proof (F_low_below p (proj1 (r_zero p))) as H. unfold F in H.
    rewrite (proj2 (r_zero p)) in H. lra.
  Qed.""",
    "accel_u_step": """
  Lemma accel_u_step : forall k, (1 <= k <= K)%nat ->
    accel_u k = x (pred k) +v accel_a k *v (x k -v x (pred k)).
  Proof. reflexivity. Qed.""",
    "accel_u_first": """
  Lemma accel_u_first : accel_u 0 = x 0.
  Proof. unfold accel_u. cbn [pred]. same_vector. Qed.""",
    "accel_y_is": """
  Lemma accel_y_is : forall k, (1 <= k <= K)%nat ->
    accel_y k = x (pred k) +v (1 / accel_a k) *v (accel_u (pred k) -v x (pred k)).
  Proof. reflexivity. Qed.""",
    "accel_e_is": """
  Lemma accel_e_is : forall k, (1 <= k <= K)%nat ->
    accel_e k = accel_y k -v x k -v (1 / L) *v (grad (accel_y k) +v s k).
  Proof. reflexivity. Qed.""",
    "accel_A_before": """
  Lemma accel_A_before : forall k, (1 <= k <= K)%nat -> accel_A (pred k) = accel_a k ^ 2 - accel_a k.
  Proof. intros k Hk. rewrite (accel_A_grows k Hk), (accel_A_is k Hk). reflexivity. Qed.""",
    "accel_A_at_least_1": """
  Lemma accel_A_at_least_1 : forall k, (1 <= k <= K)%nat -> 1 <= accel_A k.
  Proof. intros k Hk. rewrite (accel_A_is k Hk). pose proof (accel_a_large k Hk). nra. Qed.""",
    "jensen": """
  (* F at the mean of the iterates is at most the mean of F. *)
  Lemma jensen : 0 <= sum K (fun i => F (x i)) / INR K - F ((1 / INR K) *v vsum K (fun i => x i)).
  Proof.
    apply (mean_inequality f grad domain r x); [exact K_pos | exact f_tangents | exact r_convex |].
    intros k Hk. apply s_subgradient. exact Hk.
  Qed.""",
    "x_K_domain": """
  Lemma x_K_domain : domain (x K).
  Proof. apply s_subgradient. lia. Qed.""",
}
"""Lemmas in the order in which files have them."""
ORDER = tuple(DERIVED)
