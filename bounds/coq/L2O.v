(** * L2O: the ground that the exported proofs stand on

    An abstract real inner-product space, sums over k = 1, ..., n, what is supposed of f and r, and the named
    inequalities of first-order methods, each proved here from the definitions. The definitions of this file are what a
    reader has to trust in; the lemmas are checked. *)

Require Import Reals Lra Psatz Lia List.
Import ListNotations.
Open Scope R_scope.

(** ** Vectors *)

Record InnerSpace := {
  vec :> Type;
  vzero : vec;
  vadd : vec -> vec -> vec;
  vopp : vec -> vec;
  vscal : R -> vec -> vec;
  dot : vec -> vec -> R;
  vadd_comm : forall u v, vadd u v = vadd v u;
  vadd_assoc : forall u v w, vadd u (vadd v w) = vadd (vadd u v) w;
  vadd_zero : forall u, vadd u vzero = u;
  vadd_opp : forall u, vadd u (vopp u) = vzero;
  dot_sym : forall u v, dot u v = dot v u;
  dot_add : forall u v w, dot (vadd u v) w = dot u w + dot v w;
  dot_scal : forall c u w, dot (vscal c u) w = c * dot u w;
  dot_nonneg : forall u, 0 <= dot u u;
  dot_definite : forall u, dot u u = 0 -> u = vzero
}.

Arguments vzero {_}.
Arguments vadd {_} _ _.
Arguments vopp {_} _.
Arguments vscal {_} _ _.
Arguments dot {_} _ _.

Definition vsub {V : InnerSpace} (u v : V) : V := vadd u (vopp v).
(** The square of the norm, and the norm. *)
Definition sq {V : InnerSpace} (u : V) : R := dot u u.
Definition norm {V : InnerSpace} (u : V) : R := sqrt (dot u u).

Declare Scope vec_scope.
Delimit Scope vec_scope with V.
Infix "+v" := vadd (at level 50, left associativity).
Infix "-v" := vsub (at level 50, left associativity).
Infix "*v" := vscal (at level 39, right associativity).

Section Algebra.
  Context {V : InnerSpace}.
  Implicit Types u v w : V.

  Lemma dot_zero : forall w, dot (vzero : V) w = 0.
  Proof. intro w. pose proof (dot_add V vzero vzero w) as H. rewrite vadd_zero in H. lra. Qed.

  Lemma dot_opp : forall u w, dot (vopp u) w = - dot u w.
  Proof.
    intros u w. pose proof (dot_add V u (vopp u) w) as H. rewrite vadd_opp, dot_zero in H. lra.
  Qed.

  Lemma dot_sub : forall u v w, dot (u -v v) w = dot u w - dot v w.
  Proof. intros. unfold vsub. rewrite dot_add, dot_opp. lra. Qed.

  Lemma sq_nonneg : forall u, 0 <= sq u.
  Proof. intro. apply dot_nonneg. Qed.

  Lemma norm_nonneg : forall u, 0 <= norm u.
  Proof. intro. apply sqrt_pos. Qed.

  Lemma norm_sq : forall u, norm u ^ 2 = sq u.
  Proof. intro u. unfold norm, sq. rewrite <- Rsqr_pow2. apply Rsqr_sqrt, dot_nonneg. Qed.

  Lemma equal_vectors : forall u v, sq (u -v v) = 0 -> u = v.
  Proof.
    intros u v H. apply dot_definite in H. unfold vsub in H.
    rewrite <- (vadd_zero V u), <- (vadd_opp V v), (vadd_comm V v), vadd_assoc, H, vadd_comm, vadd_zero. reflexivity.
  Qed.
End Algebra.

(** ** Expanding inner products of linear combinations

    [expand] writes every inner product in the goal as a sum over pairs of atoms, in one order; [ring] and [field] do
    the rest. It works by reflection: linear combinations are read into [lin], and [pairs] multiplies them out. *)

Inductive lin :=
| Atom (i : nat) | Zero | Add (a b : lin) | Sub (a b : lin) | Opp (a : lin) | Scal (c : R) (a : lin).

(** Under this name an inner product of atoms is not expanded again. *)
Definition product {V : InnerSpace} (u v : V) : R := dot u v.

Section Reflection.
  Context {V : InnerSpace}.
  Variable atoms : list V.

  Fixpoint meaning (e : lin) : V :=
    match e with
    | Atom i => nth i atoms vzero
    | Zero => vzero
    | Add a b => meaning a +v meaning b
    | Sub a b => meaning a -v meaning b
    | Opp a => vopp (meaning a)
    | Scal c a => c *v meaning a
    end.

  Fixpoint multiply (e : lin) (c : R) (then_ : nat -> R -> R) : R :=
    match e with
    | Atom i => then_ i c
    | Zero => 0
    | Add a b => multiply a c then_ + multiply b c then_
    | Sub a b => multiply a c then_ + multiply b (- c) then_
    | Opp a => multiply a (- c) then_
    | Scal d a => multiply a (c * d) then_
    end.

  Definition ordered (i j : nat) : R :=
    if Nat.leb i j then product (nth i atoms vzero) (nth j atoms vzero)
    else product (nth j atoms vzero) (nth i atoms vzero).

  Definition pairs (a b : lin) : R :=
    multiply a 1 (fun i c => multiply b c (fun j d => d * ordered i j)).

  Lemma multiply_correct : forall e (w : V) c then_,
    (forall i d, then_ i d = d * dot (nth i atoms vzero) w) -> multiply e c then_ = c * dot (meaning e) w.
  Proof.
    intros e w. induction e; intros k t H; simpl.
    - apply H.
    - rewrite dot_zero. ring.
    - rewrite (IHe1 k t H), (IHe2 k t H), dot_add. ring.
    - rewrite (IHe1 k t H), (IHe2 (- k) t H), dot_sub. ring.
    - rewrite (IHe (- k) t H), dot_opp. ring.
    - rewrite (IHe (k * c) t H), dot_scal. ring.
  Qed.

  Lemma pairs_correct : forall a b, dot (meaning a) (meaning b) = pairs a b.
  Proof.
    intros a b. unfold pairs. symmetry. rewrite <- (Rmult_1_l (dot (meaning a) (meaning b))).
    apply multiply_correct. intros i c. rewrite (dot_sym V (nth i atoms vzero)).
    apply multiply_correct. intros j d. unfold ordered, product. destruct (Nat.leb i j); [rewrite (dot_sym V)|]; reflexivity.
  Qed.
End Reflection.

Ltac member t l := lazymatch l with nil => constr:(false) | t :: _ => constr:(true) | _ :: ?r => member t r end.
Ltac with_atoms t l :=
  lazymatch t with
  | vadd ?a ?b => let l := with_atoms a l in with_atoms b l
  | vsub ?a ?b => let l := with_atoms a l in with_atoms b l
  | vopp ?a => with_atoms a l
  | vscal _ ?a => with_atoms a l
  | vzero => l
  | _ => let is_in := member t l in lazymatch is_in with true => l | false => constr:(t :: l) end
  end.
Ltac place t l := lazymatch l with t :: _ => constr:(O) | _ :: ?r => let n := place t r in constr:(S n) end.
Ltac read t l :=
  lazymatch t with
  | vadd ?a ?b => let a := read a l in let b := read b l in constr:(Add a b)
  | vsub ?a ?b => let a := read a l in let b := read b l in constr:(Sub a b)
  | vopp ?a => let a := read a l in constr:(Opp a)
  | vscal ?c ?a => let a := read a l in constr:(Scal c a)
  | vzero => constr:(Zero)
  | _ => let n := place t l in constr:(Atom n)
  end.
Ltac all_atoms e l :=
  lazymatch e with
  | context C [@dot ?V ?a ?b] =>
      let l := with_atoms a l in let l := with_atoms b l in
      let rest := context C [0] in all_atoms rest l
  | _ => l
  end.
Ltac expand :=
  unfold sq;
  lazymatch goal with
  | |- ?claim =>
    lazymatch claim with
    | context [@dot ?V _ _] =>
      let none := constr:(@nil (vec V)) in
      let l := all_atoms claim none in
      repeat match goal with
      | |- context [@dot V ?a ?b] =>
          let ra := read a l in let rb := read b l in
          rewrite (pairs_correct l ra rb : @dot V a b = pairs l ra rb);
          cbv beta iota delta [pairs multiply ordered nth Nat.leb]
      end;
      repeat match goal with |- context [@product V ?a ?b] => generalize (@product V a b); intro end
    | _ => idtac
    end
  end.
(** Two linear combinations are one vector. *)
Ltac same_vector := apply equal_vectors; expand; ring.

Section Vectors.
  Context {V : InnerSpace}.
  Implicit Types u v w : V.

  Lemma cauchy_schwarz : forall u v, dot u v <= norm u * norm v.
  Proof.
    intros u v.
    destruct (Req_dec (norm u) 0) as [Hu | Hu].
    - assert (Zu : u = vzero) by (apply dot_definite; change (dot u u) with (sq u); rewrite <- norm_sq, Hu; ring).
      rewrite Zu, dot_zero. apply Rmult_le_pos; apply norm_nonneg.
    - destruct (Req_dec (norm v) 0) as [Hv | Hv].
      + assert (Zv : v = vzero) by (apply dot_definite; change (dot v v) with (sq v); rewrite <- norm_sq, Hv; ring).
        rewrite Zv, dot_sym, dot_zero. apply Rmult_le_pos; apply norm_nonneg.
      + pose proof (norm_nonneg u) as Pu. pose proof (norm_nonneg v) as Pv.
        pose proof (sq_nonneg (norm v *v u -v norm u *v v)) as H.
        assert (E : sq (norm v *v u -v norm u *v v) = 2 * (norm u * norm v) * (norm u * norm v - dot u v)).
        { replace (sq (norm v *v u -v norm u *v v))
            with (norm v ^ 2 * sq u - 2 * norm u * norm v * dot u v + norm u ^ 2 * sq v)
            by (generalize (norm u) (norm v); intros; expand; ring).
          rewrite <- !norm_sq. ring. }
        rewrite E in H. assert (0 < norm u * norm v) by (apply Rmult_lt_0_compat; lra).
        apply Rnot_lt_le. intro C. nra.
  Qed.
End Vectors.

(** ** Multiples *)

Lemma positive_multiple : forall t e, 0 < t -> 0 <= t * e -> 0 <= e.
Proof. intros t e T H. apply Rmult_le_reg_l with t; lra. Qed.

(** ** Sums over k = 1, ..., n *)

Fixpoint sum (n : nat) (a : nat -> R) : R := match n with O => 0 | S m => sum m a + a (S m) end.
Fixpoint vsum {V : InnerSpace} (n : nat) (a : nat -> V) : V :=
  match n with O => vzero | S m => vsum m a +v a (S m) end.
(** The last of the partial sums P_0 = start, P_k = factor P_(k-1) + a_k. *)
Fixpoint discounted (factor start : R) (a : nat -> R) (n : nat) : R :=
  match n with O => start | S m => factor * discounted factor start a m + a (S m) end.

Lemma sum_ext : forall n a b, (forall k, (1 <= k <= n)%nat -> a k = b k) -> sum n a = sum n b.
Proof.
  induction n as [|n IH]; intros a b H; simpl; [reflexivity|].
  rewrite (IH a b), (H (S n)); [reflexivity | lia | intros; apply H; lia].
Qed.

Lemma sum_scal : forall n c a, sum n (fun k => c * a k) = c * sum n a.
Proof. induction n as [|n IH]; intros; simpl; [ring|]. rewrite IH. ring. Qed.

(** sum over k of c^(n-k) a_k *)
Lemma discounted_sum : forall n c a, sum n (fun k => c ^ (n - k) * a k) = discounted c 0 a n.
Proof.
  induction n as [|n IH]; intros c a; [reflexivity|].
  cbn [sum discounted]. rewrite <- IH, <- sum_scal, Nat.sub_diag. f_equal; [|simpl; ring].
  apply sum_ext. intros k Hk. replace (S n - k)%nat with (S (n - k)) by lia. simpl. ring.
Qed.

Lemma discounted_power : forall n c, c ^ n = discounted c 1 (fun _ => 0) n.
Proof. induction n as [|n IH]; intros; simpl; [reflexivity|]. rewrite IH. ring. Qed.

(** ** What is supposed of f and r *)

Section Functions.
  Context {V : InnerSpace}.
  Variables (f : V -> R) (grad : V -> V).
  Implicit Types a b u v : V.

  (** The tangent at u is off at v by at most (L/2)||v - u||^2, above and below: so it is for a gradient that is
      L-Lipschitz. *)
  Definition smooth (L : R) : Prop :=
    forall u v, Rabs (f v - f u - dot (grad u) (v -v u)) <= L / 2 * sq (v -v u).
  (** f lies above its tangents. *)
  Definition convex_smooth : Prop := forall u v, f u + dot (grad u) (v -v u) <= f v.
  Definition strongly_convex (mu : R) : Prop :=
    forall u v, f u + dot (grad u) (v -v u) + mu / 2 * sq (v -v u) <= f v.
  (** The Polyak-Lojasiewicz inequality. *)
  Definition gradient_dominates (mu lowest : R) : Prop := forall u, 2 * mu * (f u - lowest) <= sq (grad u).

  (** What each inequality says is >= 0. *)
  Definition descent (L : R) a b : R := f a + dot (grad a) (b -v a) + L / 2 * sq (b -v a) - f b.
  Definition tangent_gap a b : R := f a - f b - dot (grad b) (a -v b).
  Definition interpolation (L : R) a b : R := tangent_gap a b - sq (grad a -v grad b) / (2 * L).
  Definition strong_gap (mu : R) a b : R := tangent_gap a b - mu / 2 * sq (a -v b).
  Definition strong_interpolation (L mu : R) a b : R :=
    (L - mu) * tangent_gap a b
    - (sq (grad a -v grad b) + mu * L * sq (a -v b) - 2 * mu * dot (grad a -v grad b) (a -v b)) / 2.
  Definition nonconvex_gap (L : R) a b : R :=
    tangent_gap a b - dot (grad a -v grad b) (a -v b) / 2 + L / 4 * sq (a -v b) - sq (grad a -v grad b) / (4 * L).
  Definition lipschitz_gap (L : R) a b : R := L ^ 2 * sq (a -v b) - sq (grad a -v grad b).

  Lemma descent_lemma : forall L, smooth L -> forall a b, 0 <= descent L a b.
  Proof.
    intros L S a b. specialize (S a b). unfold descent.
    pose proof (Rle_abs (f b - f a - dot (grad a) (b -v a))). lra.
  Qed.

  Lemma convexity : convex_smooth -> forall a b, 0 <= tangent_gap a b.
  Proof. intros C a b. specialize (C b a). unfold tangent_gap. lra. Qed.

  Lemma strong_convexity : forall mu, strongly_convex mu -> forall a b, 0 <= strong_gap mu a b.
  Proof. intros mu C a b. specialize (C b a). unfold strong_gap, tangent_gap. lra. Qed.
End Functions.

Section Interpolation.
  Context {V : InnerSpace}.
  Implicit Types a b u v : V.

  (** The descent lemma from a to a - (grad f(a) - grad f(b))/L, and the tangent at b. *)
  Lemma interpolation_of_descent : forall (f : V -> R) (grad : V -> V) (L : R),
    0 < L -> (forall u v, f v <= f u + dot (grad u) (v -v u) + L / 2 * sq (v -v u)) ->
    convex_smooth f grad -> forall a b, 0 <= interpolation f grad L a b.
  Proof.
    intros f grad L HL D C a b. set (c := a -v (/ L) *v (grad a -v grad b)).
    pose proof (D a c) as H1. pose proof (C b c) as H2. unfold interpolation, tangent_gap.
    enough (E : f a - f b - dot (grad b) (a -v b) - sq (grad a -v grad b) / (2 * L)
      = (f a + dot (grad a) (c -v a) + L / 2 * sq (c -v a) - f c) + (f c - (f b + dot (grad b) (c -v b)))) by lra.
    generalize (f c). intro. unfold c. expand. field. lra.
  Qed.

  Lemma smooth_interpolation : forall (f : V -> R) (grad : V -> V) (L M : R),
    0 < L -> L <= M -> smooth f grad L -> convex_smooth f grad -> forall a b, 0 <= interpolation f grad M a b.
  Proof.
    intros f grad L M HL LM S C a b.
    assert (H : 0 <= interpolation f grad L a b).
    { apply interpolation_of_descent; try assumption. intros u v.
      pose proof (descent_lemma f grad L S u v). unfold descent in *. lra. }
    unfold interpolation in *. pose proof (sq_nonneg (grad a -v grad b)) as P.
    enough (sq (grad a -v grad b) / (2 * M) <= sq (grad a -v grad b) / (2 * L)) by lra.
    unfold Rdiv. apply Rmult_le_compat_l; [assumption|]. apply Rinv_le_contravar; lra.
  Qed.

  (** f less (mu/2)||x||^2 is convex and satisfies the descent lemma with L - mu. *)
  Lemma smooth_strong_interpolation : forall (f : V -> R) (grad : V -> V) (L mu : R),
    mu <= L -> smooth f grad L -> strongly_convex f grad mu ->
    forall a b, 0 <= strong_interpolation f grad L mu a b.
  Proof.
    intros f grad L mu ML S C a b. unfold strong_interpolation, tangent_gap.
    set (q := fun u : V => f u - mu / 2 * sq u). set (p := fun u : V => grad u -v mu *v u).
    assert (Q : forall u v, q v - q u - dot (p u) (v -v u)
      = f v - f u - dot (grad u) (v -v u) - mu / 2 * sq (v -v u)) by (intros; unfold p, q; expand; field).
    assert (D : forall u v, q v <= q u + dot (p u) (v -v u) + (L - mu) / 2 * sq (v -v u)).
    { intros u v. pose proof (descent_lemma f grad L S u v) as H. pose proof (Q u v) as E. unfold descent in H. lra. }
    assert (T : convex_smooth q p).
    { intros u v. pose proof (Q u v) as E. specialize (C u v). lra. }
    destruct (Req_dec mu L) as [-> | N].
    - (* then f is (mu/2)||x||^2 and an affine function, and p is constant *)
      assert (Z : sq (p a -v p b) = 0).
      { pose proof (sq_nonneg (p a -v p b)) as P. apply Rle_antisym; [|assumption].
        pose proof (D a (a -v (p a -v p b))) as D1. pose proof (T b (a -v (p a -v p b))) as T1.
        pose proof (T a b) as T2.  pose proof (D b a) as D2.
        generalize dependent (q (a -v (p a -v p b))). intros. revert D1 T1 T2 D2 P.
        generalize (q a) (q b) (p a) (p b). intros qa qb pa pb. expand. lra. }
      revert Z. unfold p. expand. intro Z. unfold Rdiv in *. lra.
    - pose proof (interpolation_of_descent q p (L - mu) ltac:(lra) D T a b) as H.
      unfold interpolation, tangent_gap in H. rewrite Q in H.
      assert (H' : 0 <= (L - mu) * (f a - f b - dot (grad b) (a -v b) - mu / 2 * sq (a -v b)
        - sq (p a -v p b) / (2 * (L - mu)))) by (apply Rmult_le_pos; lra).
      match goal with |- 0 <= ?goal => replace goal with ((L - mu) * (f a - f b - dot (grad b) (a -v b)
        - mu / 2 * sq (a -v b) - sq (p a -v p b) / (2 * (L - mu)))); [assumption|] end.
      unfold p. expand. field. lra.
  Qed.

  (** f + (L/2)||x||^2 is convex and satisfies the descent lemma with 2 L. *)
  Lemma nonconvex_interpolation : forall (f : V -> R) (grad : V -> V) (L : R),
    0 < L -> smooth f grad L -> forall a b, 0 <= nonconvex_gap f grad L a b.
  Proof.
    intros f grad L HL S a b. unfold nonconvex_gap.
    set (q := fun u : V => f u + L / 2 * sq u). set (p := fun u : V => grad u +v L *v u).
    assert (Q : forall u v, q v - q u - dot (p u) (v -v u)
      = f v - f u - dot (grad u) (v -v u) + L / 2 * sq (v -v u)) by (intros; unfold p, q; expand; field).
    assert (D : forall u v, q v <= q u + dot (p u) (v -v u) + 2 * L / 2 * sq (v -v u)).
    { intros u v. pose proof (descent_lemma f grad L S u v) as H. pose proof (Q u v) as E. unfold descent in H. lra. }
    assert (T : convex_smooth q p).
    { intros u v. pose proof (Q u v) as E. specialize (S u v).
      unfold Rabs in S. destruct (Rcase_abs _) in S; lra. }
    pose proof (interpolation_of_descent q p (2 * L) ltac:(lra) D T a b) as H.
    unfold interpolation, tangent_gap in H. rewrite Q in H. unfold tangent_gap.
    match type of H with 0 <= ?h => match goal with |- 0 <= ?g => replace g with h; [assumption|] end end.
    unfold p. expand. field. lra.
  Qed.

  Lemma smooth_lipschitz : forall (f : V -> R) (grad : V -> V) (L : R),
    0 < L -> smooth f grad L -> forall a b, 0 <= lipschitz_gap grad L a b.
  Proof.
    intros f grad L HL S a b. pose proof (nonconvex_interpolation f grad L HL S a b) as H1.
    pose proof (nonconvex_interpolation f grad L HL S b a) as H2. unfold nonconvex_gap, tangent_gap in H1, H2.
    unfold lipschitz_gap.
    apply positive_multiple with (/ (2 * L)); [apply Rinv_0_lt_compat; lra|].
    match type of H1 with 0 <= ?h1 => match type of H2 with 0 <= ?h2 =>
      match goal with |- 0 <= ?g => replace g with (h1 + h2); [lra|] end end end.
    expand. field. lra.
  Qed.

  (** ||grad f||^2 <= 2 L (f - inf f): the descent lemma from a to a - grad f(a)/L. *)
  Lemma smooth_dominated : forall (f : V -> R) (grad : V -> V) (L lowest : R),
    0 < L -> smooth f grad L -> (forall u, lowest <= f u) ->
    forall a, 0 <= 2 * L * (f a - lowest) - sq (grad a).
  Proof.
    intros f grad L lowest HL S B a. pose proof (descent_lemma f grad L S a (a -v (/ L) *v grad a)) as H.
    specialize (B (a -v (/ L) *v grad a)). unfold descent in H.
    enough (E : 2 * L * (f a - lowest) - sq (grad a) = 2 * L * ((f a + dot (grad a) (a -v / L *v grad a -v a)
      + L / 2 * sq (a -v / L *v grad a -v a) - f (a -v / L *v grad a)) + (f (a -v / L *v grad a) - lowest)))
      by (rewrite E; apply Rmult_le_pos; lra).
    generalize (f (a -v / L *v grad a)). intro. expand. field. lra.
  Qed.
End Interpolation.

Section Regularizer.
  Context {V : InnerSpace}.
  (** r is finite on its domain and +infinity elsewhere. *)
  Variables (domain : V -> Prop) (r : V -> R).
  Implicit Types a b s : V.

  (** s is a subgradient of r at b, or one up to eps. *)
  Definition subgradient b s : Prop := domain b /\ forall a, domain a -> r b + dot s (a -v b) <= r a.
  Definition inexact_subgradient (eps : R) b s : Prop :=
    domain b /\ forall a, domain a -> r b + dot s (a -v b) - eps <= r a.
  Definition convex : Prop :=
    forall a b t, domain a -> domain b -> 0 <= t <= 1 ->
      domain (t *v a +v (1 - t) *v b) /\ r (t *v a +v (1 - t) *v b) <= t * r a + (1 - t) * r b.

  Definition subgradient_gap a b s : R := r a - r b - dot s (a -v b).
  Definition monotone a b s_a s_b : R := dot (s_a -v s_b) (a -v b).

  Lemma subgradient_inequality : forall a b s, domain a -> subgradient b s -> 0 <= subgradient_gap a b s.
  Proof. intros a b s A [_ H]. specialize (H a A). unfold subgradient_gap. lra. Qed.

  Lemma inexact_subgradient_inequality : forall eps a b s,
    domain a -> inexact_subgradient eps b s -> 0 <= subgradient_gap a b s + eps.
  Proof. intros eps a b s A [_ H]. specialize (H a A). unfold subgradient_gap. lra. Qed.

  Lemma monotone_subdifferential : forall a b s_a s_b,
    subgradient a s_a -> subgradient b s_b -> 0 <= monotone a b s_a s_b.
  Proof.
    intros a b s_a s_b [A HA] [B HB]. specialize (HA b B). specialize (HB a A). unfold monotone.
    replace (dot (s_a -v s_b) (a -v b)) with (- dot s_a (b -v a) - dot s_b (a -v b)) by (expand; ring). lra.
  Qed.
End Regularizer.

(** ** A recurrence of two numbers

    Its matrix has no eigenvalue of modulus above 1. A pair of complex ones has the modulus sqrt(det). *)

Definition stable (m11 m12 m21 m22 : R) : Prop :=
  let trace := m11 + m22 in let det := m11 * m22 - m12 * m21 in
  (forall root, root ^ 2 - trace * root + det = 0 -> Rabs root <= 1) /\ (trace ^ 2 < 4 * det -> det <= 1).

Lemma stable_determinant : forall a b c d, stable a b c d -> a * d - b * c <= 1.
Proof.
  intros a b c d [H C]. set (t := a + d) in *. set (e := a * d - b * c) in *.
  destruct (Rlt_or_le (t ^ 2) (4 * e)) as [N | P]; [auto|].
  assert (S : sqrt (t ^ 2 - 4 * e) ^ 2 = t ^ 2 - 4 * e)
    by (rewrite <- Rsqr_pow2; apply Rsqr_sqrt; lra).
  pose proof (H ((t + sqrt (t ^ 2 - 4 * e)) / 2) ltac:(nra)) as H1.
  pose proof (H ((t - sqrt (t ^ 2 - 4 * e)) / 2) ltac:(nra)) as H2.
  set (u := (t + sqrt (t ^ 2 - 4 * e)) / 2) in *. set (v := (t - sqrt (t ^ 2 - 4 * e)) / 2) in *.
  assert (E : e = u * v) by (unfold u, v; nra).
  rewrite E. apply Rle_trans with (Rabs (u * v)); [apply Rle_abs|]. rewrite Rabs_mult.
  pose proof (Rabs_pos u). pose proof (Rabs_pos v). nra.
Qed.

(** ** What the exported proofs do over and over *)

Lemma norm_gap_zero : forall {V : InnerSpace} (u : V), norm u ^ 2 - sq u = 0.
Proof. intros. rewrite norm_sq. ring. Qed.

Lemma triangle_inequality : forall {V : InnerSpace} (u v : V), norm (u +v v) <= norm u + norm v.
Proof.
  intros V u v. pose proof (norm_nonneg u). pose proof (norm_nonneg v). pose proof (norm_nonneg (u +v v)).
  pose proof (norm_sq u) as Nu. pose proof (norm_sq v) as Nv. pose proof (norm_sq (u +v v)) as N.
  pose proof (cauchy_schwarz u v) as C.
  assert (E : sq (u +v v) = sq u + 2 * dot u v + sq v) by (expand; ring).
  apply Rnot_lt_le. intro B. nra.
Qed.

Lemma schwarz_minus : forall {V : InnerSpace} (u v : V), 0 <= norm u * norm v - dot u v.
Proof. intros. pose proof (cauchy_schwarz u v). lra. Qed.

Lemma schwarz_plus : forall {V : InnerSpace} (u v : V), 0 <= norm u * norm v + dot u v.
Proof.
  intros V u v. pose proof (cauchy_schwarz (vopp u) v) as H. rewrite dot_opp in H.
  replace (norm (vopp u)) with (norm u) in H; [lra|]. unfold norm. f_equal. expand. ring.
Qed.

(** Where t = 0, so is e. *)
Lemma bounded_multiple : forall t e, 0 <= t + e -> 0 <= t - e -> 0 <= t * e -> 0 <= e.
Proof. intros t e P M H. destruct (Req_dec t 0); [lra|]. apply positive_multiple with t; lra. Qed.

Lemma le_or_le : forall a b, a <= b \/ b <= a.
Proof. intros a b. destruct (Rle_or_lt a b); [left | right]; lra. Qed.

Lemma sign_of : forall e, 0 <= e \/ 0 <= - e.
Proof. intro e. destruct (le_or_le 0 e); [left | right]; lra. Qed.

Lemma below_or_above : forall m l, 0 < l -> m < l \/ 0 < m.
Proof. intros m l P. destruct (Rlt_or_le m l); [left | right]; lra. Qed.

Lemma max_of_nonneg : forall e, 0 <= e -> Rmax 0 e = e.
Proof. intros. apply Rmax_right. lra. Qed.

Lemma max_of_nonpos : forall e, 0 <= - e -> Rmax 0 e = 0.
Proof. intros. apply Rmax_left. lra. Qed.

Lemma positive_or_zero : forall d, 0 <= d -> 0 < d \/ d = 0.
Proof. intros d P. destruct (Rle_lt_or_eq_dec 0 d P); [left | right]; lra. Qed.

Lemma from_nonneg : forall a b, 0 <= b - a -> a <= b.
Proof. intros. lra. Qed.

Lemma from_difference : forall b l r, 0 <= b -> r - l = b -> l <= r.
Proof. intros. lra. Qed.

Lemma step_numbers : forall j K, (S j <= K)%nat -> 0 <= INR j /\ INR j + 1 <= INR K /\ INR (S j) = INR j + 1.
Proof. intros j K H. rewrite <- S_INR. repeat split; [apply pos_INR | apply le_INR, H]. Qed.

Lemma run_numbers : forall K, (1 <= K)%nat -> 1 <= INR K.
Proof. intros K H. change 1 with (INR 1). apply le_INR. exact H. Qed.

(** A sum, product or quotient of things that are > 0, or >= 0. *)
Ltac above_zero := first [ assumption | lazymatch goal with
  | |- 0 < ?a * ?b => apply Rmult_lt_0_compat; above_zero
  | |- 0 < ?a / ?b => apply Rdiv_lt_0_compat; above_zero
  | |- 0 < ?a ^ ?n => apply pow_lt; above_zero
  | |- 0 < ?a + ?b =>
      first [ lra
            | apply Rplus_lt_le_0_compat; [above_zero | not_negative]
            | apply Rplus_le_lt_0_compat; [not_negative | above_zero] ]
  | |- 0 < _ => lra
  end ]
with not_negative := first [ assumption | apply Rlt_le; assumption | lazymatch goal with
  | |- 0 <= ?a * ?b => apply Rmult_le_pos; not_negative
  | |- 0 <= ?a / ?b => apply Rle_mult_inv_pos; [not_negative | above_zero]
  | |- 0 <= ?a ^ 2 => apply pow2_ge_0
  | |- 0 <= ?a ^ ?n => apply pow_le; not_negative
  | |- 0 <= ?a + ?b => apply Rplus_le_le_0_compat; not_negative
  | |- 0 <= norm _ => apply norm_nonneg
  | |- 0 <= sq _ => apply sq_nonneg
  | |- 0 <= _ => lra
  end ].

Ltac nonzero := repeat match goal with |- _ /\ _ => split end;
  try match goal with
  | |- ?a * ?b <> 0 => apply Rmult_integral_contrapositive_currified; nonzero
  | |- ?a ^ ?n <> 0 => apply pow_nonzero; nonzero
  | |- _ <> 0 => first [apply Rgt_not_eq; lra | apply Rlt_not_eq; lra | apply Rgt_not_eq; nra]
  end.
(** Equations of one file, such as h = 1. *)
Ltac equations := idtac.
Ltac calculate := equations; rewrite ?S_INR; change (INR 0) with 0; first [ring | field; nonzero].
(** The sums up to j + 1 are those up to j and one term. *)
Ltac at_step := cbn [sum vsum discounted pred].

(** What is to be shown >= 0 or > 0 is [form], whose sign is seen term by term. *)
Ltac by_form form :=
  lazymatch goal with
  | |- 0 <= ?m => replace m with form; [not_negative | calculate]
  | |- 0 < ?m => replace m with form; [above_zero | calculate]
  end.

(** A sum of terms, each a product of facts and squares, or 0 by [norm_gap_zero]. *)
Ltac one_term := lazymatch goal with
  | |- 0 <= ?a * (norm ?u ^ 2 - sq ?u) => rewrite (norm_gap_zero u); lra
  | |- 0 <= norm ?u ^ 2 - sq ?u => rewrite (norm_gap_zero u); lra
  | |- 0 <= _ * _ => first [assumption | apply Rmult_le_pos; one_term]
  | |- _ => first [assumption | apply sq_nonneg | apply norm_nonneg | apply pow2_ge_0 | lra]
  end.
Ltac add_up := first [ assumption | lazymatch goal with
  | |- 0 <= ?a + ?b => apply Rplus_le_le_0_compat; [add_up | one_term]
  | |- _ => one_term
  end ].


(** ** Jensen's inequality for the mean of the iterates *)

Section Jensen.
  Context {V : InnerSpace}.
  Variables (f : V -> R) (grad : V -> V) (domain : V -> Prop) (r : V -> R) (x : nat -> V).

  Lemma dot_vsum : forall n (g : V), dot g (vsum n x) = sum n (fun i => dot g (x i)).
  Proof.
    induction n as [|n IH]; intro g; cbn [vsum sum].
    - rewrite dot_sym. apply dot_zero.
    - rewrite <- IH, dot_sym, dot_add, !(dot_sym V g). reflexivity.
  Qed.

  Lemma below_tangents : forall n (m : V), convex_smooth f grad ->
    INR n * f m + dot (grad m) (vsum n x -v INR n *v m) <= sum n (fun i => f (x i)).
  Proof.
    intros n m C. induction n as [|n IH].
    - cbn [vsum sum]. change (INR 0) with 0. replace (dot (grad m) (vzero -v 0 *v m)) with 0 by (expand; ring). lra.
    - cbn [vsum sum]. pose proof (C m (x (S n))) as H. rewrite S_INR.
      replace (dot (grad m) (vsum n x +v x (S n) -v (INR n + 1) *v m))
        with (dot (grad m) (vsum n x -v INR n *v m) + dot (grad m) (x (S n) -v m)) by (expand; ring). lra.
  Qed.

  Definition mean (n : nat) : V := (1 / INR n) *v vsum n (fun i => x i).

  Lemma mean_of_convex : forall n, convex domain r -> (forall k, (1 <= k <= S n)%nat -> domain (x k)) ->
    domain (mean (S n)) /\ INR (S n) * r (mean (S n)) <= sum (S n) (fun i => r (x i)).
  Proof.
    intros n C. induction n as [|n IH]; intro X.
    - assert (E : mean 1 = x 1%nat).
      { unfold mean. cbn [vsum INR]. apply equal_vectors. expand. field. }
      rewrite E. split; [apply X; lia|]. cbn [sum INR]. lra.
    - destruct (IH ltac:(intros; apply X; lia)) as [M H]. pose proof (pos_INR n).
      rewrite !S_INR in H. cbn [sum] in H.
      destruct (C (mean (S n)) (x (S (S n))) (INR (S n) / INR (S (S n)))) as [D J].
      { exact M. } { apply X; lia. }
      { rewrite !S_INR. split; [apply Rle_mult_inv_pos; lra|].
        apply Rmult_le_reg_r with (INR n + 1 + 1); [lra|]. unfold Rdiv.
        rewrite Rmult_assoc, Rinv_l by lra. lra. }
      assert (E : (INR (S n) / INR (S (S n))) *v mean (S n) +v (1 - INR (S n) / INR (S (S n))) *v x (S (S n))
        = mean (S (S n))).
      { unfold mean. cbn [vsum]. rewrite !S_INR. apply equal_vectors. expand. field. lra. }
      rewrite E in D, J. split; [exact D|]. cbn [sum]. rewrite !S_INR in *.
      apply (Rmult_le_compat_l (INR n + 1 + 1)) in J; [|lra].
      replace ((INR n + 1 + 1) * ((INR n + 1) / (INR n + 1 + 1) * r (mean (S n))
        + (1 - (INR n + 1) / (INR n + 1 + 1)) * r (x (S (S n)))))
        with ((INR n + 1) * r (mean (S n)) + r (x (S (S n)))) in J by (field; lra). lra.
  Qed.

  Lemma mean_inequality : forall n, (1 <= n)%nat -> convex_smooth f grad -> convex domain r ->
    (forall k, (1 <= k <= n)%nat -> domain (x k)) ->
    0 <= sum n (fun i => f (x i) + r (x i)) / INR n - (f (mean n) + r (mean n)).
  Proof.
    intros [|n] P CF CR X; [lia|]. destruct (mean_of_convex n CR X) as [_ H].
    pose proof (below_tangents (S n) (mean (S n)) CF) as T. assert (Q : 0 < INR (S n)) by (apply lt_0_INR; lia).
    replace (dot (grad (mean (S n))) (vsum (S n) x -v INR (S n) *v mean (S n))) with 0 in T.
    - assert (E : sum (S n) (fun i => f (x i) + r (x i))
        = sum (S n) (fun i => f (x i)) + sum (S n) (fun i => r (x i))).
      { generalize (S n). intro m. induction m as [|m IH]; cbn [sum]; [ring|]. rewrite IH. ring. }
      apply positive_multiple with (INR (S n)); [exact Q|]. rewrite E.
      match goal with |- 0 <= ?g => replace g with (sum (S n) (fun i => f (x i)) + sum (S n) (fun i => r (x i))
        - INR (S n) * f (mean (S n)) - INR (S n) * r (mean (S n))) by (field; lra) end. lra.
    - unfold mean. change (vsum (S n) (fun i => x i)) with (vsum (S n) x). generalize (vsum (S n) x). intro v.
      generalize (grad ((1 / INR (S n)) *v v)). intro g. expand. field. lra.
  Qed.
End Jensen.
